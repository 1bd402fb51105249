import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { renderKeepalived } from '../../src/keepalived/render.ts';
import type { KeepalivedProcess } from '../../src/keepalived/state.ts';
import { makeLoader } from '../../src/node/apply.ts';
import type { Applied } from '../../src/node/state.ts';
import { faultOf } from '../support/faults.ts';
import { keepingLog } from '../support/keeping-log.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { wantedInstance } from '../support/wanted.ts';

describe('the loader of a configuration', () => {
  const folder = temporaryFolder();
  const applied: Applied = {
    orders: { store: 'a', epoch: 1, revision: 1, digest: 'ab'.repeat(32) },
    wanted: { instances: [wantedInstance()] },
    watch: [],
    refreshSeconds: 60,
  };
  const whole = renderKeepalived(applied.wanted, {
    ...{ version: '2.2.7', node: 'node-1' },
    refreshSeconds: 60,
  });
  let asked: string[];

  const loaderWith = (text: string) => {
    asked = [];
    const never = () => Promise.reject(new Error('nothing is to be done with it'));
    const keepalived: KeepalivedProcess = { pid: never, instances: never, processes: never };
    return makeLoader({
      file: join(folder.path, 'keepalived.conf'),
      render: () => Promise.resolve(text),
      isIncluding: false,
      async check(file) {
        asked.push(await readFile(file, 'utf8'));
      },
      keepalived,
      service: { start: never, stop: never, enable: never, isStarting: never },
      log: keepingLog().log,
    });
  };

  it('has keepalived read a file that is as ordered', async () => {
    await loaderWith(whole).test(applied);
    expect(asked).to.deep.equal([whole]);
  });

  it('refuses a file that keepalived would take, and that lacks what was ordered', async () => {
    const file = join(folder.path, 'keepalived.conf');
    await writeFile(file, 'the former');
    for (const text of ['', whole.replace(/^vrrp_instance[^]*/m, '')]) {
      await faultOf('keepalived_config_refused', loaderWith(text).test(applied));
      expect(asked).to.deep.equal([]);
    }
    expect(await readFile(file, 'utf8')).to.equal('the former');
  });
});
