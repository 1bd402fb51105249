import { execFile } from 'node:child_process';
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect } from 'chai';

import { findOwned } from '../../../../src/alphorn/restoring/accounts/owned-files.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const run = promisify(execFile);

describe('the search for the files of an account', () => {
  const folder = temporaryFolder();
  const find = () => findOwned(folder.path, ({ uid }) => uid === 4711);

  async function ownedFile(path: string): Promise<void> {
    await writeFile(join(folder.path, path), '');
    await chown(join(folder.path, path), 4711, 0);
  }

  it('continues after a path that is too long for the system, and reports that it is incomplete', async () => {
    // The path is made step by step, because no single call accepts it. Node.js cannot remove such a folder at once
    // either.
    const steps = 'for (1 .. 25) { mkdir $ARGV[0]; chdir $ARGV[0] }';
    await run('perl', ['-e', steps, 'x'.repeat(200)], { cwd: folder.path });
    await ownedFile('a');
    await ownedFile('z');
    const { found, complete } = await find().finally(() =>
      run('rm', ['-r', join(folder.path, 'x'.repeat(200))]),
    );
    expect(found.map(({ path }) => path)).to.deep.equal(['/a', '/z']);
    expect(complete).to.equal(false);
  });

  it('skips mount points, where a call may wait without end or be refused', async () => {
    for (const each of ['here', 'mounted']) await mkdir(join(folder.path, each));
    await ownedFile('here/a');
    await ownedFile('b');
    await ownedFile('c');
    const mounts = [
      ['here', 'mounted'],
      ['b', 'c'],
    ] as const;
    for (const pair of mounts)
      await run('mount', ['--bind', ...pair.map((each) => join(folder.path, each))]);
    try {
      const { found, complete } = await find();
      expect(found.map(({ path }) => path)).to.deep.equal(['/b', '/here/a']);
      expect(complete).to.equal(true);
    } finally {
      for (const [, each] of mounts) await run('umount', [join(folder.path, each)]);
    }
  });
});
