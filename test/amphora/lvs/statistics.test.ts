import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { makeLvsStatistics } from '../../../src/amphora/lvs/statistics.ts';
import { readLvsConfig } from '../../../src/parsers/keepalived/lvs.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/keepalived-conf/16.0.0');

// The kernel of the lab has no IPVS. These texts have the form of ipvsadm 1.31, as in test/parsers/ipvsadm.test.ts.
const services = `UDP  10.0.0.2:80 wrr
  -> 10.0.0.98:82                 Masq    13     4          5
  -> 10.0.0.99:82                 Masq    0      1          0
UDP  [2001:db8::2]:80 wrr
  -> [2001:db8::99]:82            Masq    13     2          0
UDP  10.0.0.3:80 wrr
  -> 10.0.0.97:82                 Masq    1      9          0
`;
const stats = `UDP  10.0.0.2:80                   7        8        9       1000       2000
  -> 10.0.0.98:82                   7        8        9       1000       2000
UDP  [2001:db8::2]:80              1        1        1         10         20
UDP  10.0.0.3:80                   5        5        5          5          5
`;

describe('the LVS listeners in a heartbeat', () => {
  const folder = temporaryFolder();
  const place = (id: string, end: string) =>
    join(folder.path, 'lvs', `octavia-keepalivedlvs-${id}.${end}`);
  let asked: string[] = [];

  beforeEach(async () => {
    asked = [];
    await mkdir(join(folder.path, 'lvs'));
  });

  /** Reads one listener, whose configuration a driver wrote. */
  async function read(fixture: string, table = services, counted = stats) {
    await writeFile(place('l-1', 'conf'), await readFile(join(fixtures, `${fixture}.conf`)));
    return statistics(['l-1'], table, counted)();
  }

  const statistics = (ids: readonly string[], table: string, counted: string) =>
    makeLvsStatistics({
      paths: { base: folder.path },
      running: () => Promise.resolve(ids),
      read: (text) => readLvsConfig(text, { folder: '/var/lib/octavia/lvs' }),
      ipvsadm: (...options) => {
        asked.push(options.join(' '));
        return Promise.resolve(options.length === 0 ? table : counted);
      },
    });

  const statesIn = (beats: Awaited<ReturnType<typeof read>>) =>
    beats.map(({ pools }) =>
      pools.map(({ name, status, members }) => [name, status, members.map((each) => each.status)]),
    );

  it('have the counters of their places alone, of both families', async () => {
    const [beat] = await read('lvs-two-families');
    expect(beat?.counters).to.deep.equal({ tx: 2020, rx: 1010, conns: 7, totconns: 8, ereq: 0 });
    expect(asked).to.deep.equal(['', '--stats --exact']);
  });

  it('have members that are drained, disabled or not watched', async () => {
    expect(statesIn(await read('lvs-two-families'))).to.deep.equal([
      [['sample_pool_id_1', 'UP', ['DRAIN', 'no check', 'no check']]],
    ]);
    expect(statesIn(await read('lvs-disabled-member'))).to.deep.equal([
      [['sample_pool_id_1', 'UP', ['no check', 'MAINT']]],
    ]);
    expect(statesIn(await read('lvs-two-families', ''))).to.deep.equal([
      [['sample_pool_id_1', 'UP', ['no check', 'no check', 'no check']]],
    ]);
  });

  it('have a member that its monitor has found down, and a pool that is down without any', async () => {
    const only = services.split('\n').filter((line) => !line.includes('10.0.0.99'));
    const [one] = statesIn(await read('lvs-udp', only.join('\n')));
    expect(one).to.deep.equal([['sample_pool_id_1', 'UP', ['DOWN', 'UP']]]);
    const [none] = statesIn(await read('lvs-udp', ''));
    expect(none).to.deep.equal([['sample_pool_id_1', 'DOWN', ['DOWN', 'DOWN']]]);
  });

  it('have no new state of a member that is away while a new configuration is being applied', async () => {
    await writeFile(place('l-1', 'check.pid'), '7\n');
    await utimes(place('l-1', 'check.pid'), 1000, 1000);
    const [none] = statesIn(await read('lvs-udp', ''));
    expect(none).to.deep.equal([['sample_pool_id_1', 'DOWN', ['RESTARTING', 'RESTARTING']]]);
  });

  it('are counted by receivers even if the kernel does not have them', async () => {
    const [beat] = await read('lvs-without-pool', '', '');
    const none = { tx: 0, rx: 0, conns: 0, totconns: 0, ereq: 0 };
    expect(beat).to.deep.equal({ id: 'l-1', pools: [], counters: none });
  });

  it('are left out if they are disabled', async () => {
    expect(await read('lvs-disabled-listener')).to.deep.equal([]);
  });

  it('are not asked for if none runs', async () => {
    expect(await statistics([], services, stats)()).to.deep.equal([]);
    expect(asked).to.deep.equal([]);
  });
});
