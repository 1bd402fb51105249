import { expect } from 'chai';

import { makeDetails } from '../../../src/amphora/facts/details.ts';
import { keepingLog } from '../../support/keeping-log.ts';

describe('the details of an amphora', () => {
  it('read the counters of the interfaces once for all readers of a moment', async () => {
    let readings = 0;
    const details = makeDetails({
      memory: { meminfo: '/proc/meminfo', controlGroups: '/sys/fs/cgroup', haproxyGroup: 'none' },
      interfaces: () => {
        readings += 1;
        return Promise.resolve([{ name: 'eth1', rx: 1, tx: 2 }]);
      },
      packages: () => Promise.resolve([]),
      topology: () => Promise.resolve({ topology: 'SINGLE', isChanging: false }),
      processes: () => Promise.resolve({ haproxy: 0, lvs: 0 }),
      log: keepingLog().log,
    });
    const all = await Promise.all(Array.from({ length: 20 }, () => details.read()));
    expect(readings).to.equal(1);
    expect(new Set(all.map(({ networks }) => Object.keys(networks).join()))).to.deep.equal(
      new Set(['eth1']),
    );
  });
});
