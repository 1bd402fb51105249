import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';
import { execa } from 'execa';

import { makeAlphornHost } from '../support/alphorn-host.ts';
import { someHost } from '../support/liferafts.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Outcome {
  /** Free bytes on the disk. */
  room: number;
  outcome: string;
  names: string[];
  generation: number;
}

// Nobody else sees this mount, and it ends with the process. A normal user becomes root in a namespace of their own.
const isRoot = process.getuid?.() === 0;
const unshare = ['unshare', ...(isRoot ? [] : ['--user', '--map-root-user']), '--mount'];

describe('a disk that is full at any byte', () => {
  const folder = temporaryFolder();

  async function fill(who: 'sender' | 'receiver'): Promise<Outcome[]> {
    const paths = await makeAlphornHost(folder.path, { a: 'alpha' });
    await mkdir(paths.own, { recursive: true });
    await mkdir(paths.liferafts, { recursive: true });
    const script = fileURLToPath(new URL('fill-disk.ts', import.meta.url));
    const [file = '', ...args] = unshare;
    const { stdout } = await execa(
      file,
      [...args, process.execPath, '--import', 'tsx', script, folder.path, who],
      { timeout: 50_000 },
    );
    return stdout.split('\n').map((line) => JSON.parse(line) as Outcome);
  }

  for (const who of ['sender', 'receiver'] as const) {
    it(`leaves the ${who} its former liferaft, and nothing else`, async () => {
      const outcomes = await fill(who);
      const done = outcomes.pop();
      const names = [`liferaft_${someHost}.tar`];
      expect(done).to.deep.include({ outcome: 'done', names, generation: 2 });
      // A liferaft takes more than 600 kB.
      expect(outcomes.length).to.be.above(36);
      for (const { room, ...each } of outcomes) {
        expect(each, `with ${room} bytes left`).to.deep.equal({
          outcome: 'no_space',
          names,
          generation: 1,
        });
      }
    });
  }
});
