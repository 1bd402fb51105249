import fs from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';

import { expect } from 'chai';
import sinon from 'sinon';

import { makeChangesWatch } from '../../../src/alphorn/sending/changes-watch.ts';
import { readRules } from '../../../src/alphorn/collecting/rules.ts';
import { waitUntil } from '../../lab/wait.ts';
import { keepingLog } from '../../support/keeping-log.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('the watch for changes', () => {
  const folder = temporaryFolder();
  afterEach(() => {
    sinon.restore();
    syncBuiltinESMExports();
  });

  it('logs once, not for each folder, that the system has no watches left', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `d${index}`);
    for (const name of names) await mkdir(join(folder.path, 'etc', name), { recursive: true });
    const include = [join(folder.path, 'etc')];
    await mkdir(join(folder.path, 'rules'));
    await writeFile(join(folder.path, 'rules/a.json'), JSON.stringify({ include }));
    const fails = Object.assign(new Error('ENOSPC: no watches are left'), { code: 'ENOSPC' });
    const watched = sinon.stub(fs, 'watch').throws(fails);
    syncBuiltinESMExports();
    const { log, lines } = keepingLog();
    const watch = makeChangesWatch([], () => undefined, log);
    await watch.follow(await readRules(join(folder.path, 'rules')));
    await waitUntil(
      'each folder to be tried',
      () => Promise.resolve(watched.callCount > names.length),
      { deadlineMs: 10_000, everyMs: 20 },
    );
    await watch.stop();
    expect(lines.map(({ level }) => level)).to.deep.equal(['warn']);
  });
});
