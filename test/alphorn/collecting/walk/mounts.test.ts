import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import {
  makeAnswers,
  makeMounts,
  type Mounts,
} from '../../../../src/alphorn/collecting/walk/mounts.ts';
import { makeRun } from '../../../../src/kit/exec.ts';
import { makeLog } from '../../../../src/kit/log.ts';
import { collectBench } from '../../../support/collect-bench.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

describe('a file system that may be remote', () => {
  const folder = temporaryFolder();
  const { at, link, write, rules, collect, pathsOf, whyNot } = collectBench();
  let asked: string[];
  let silent: Set<string>;

  /** Pretends that these are mounted as NFS, next to the host's own mounts. */
  async function mountsOf(...paths: string[]): Promise<Mounts> {
    const file = join(folder.path, 'mountinfo');
    const lines = ['/ rw - ext4 /dev/sda1 rw', ...paths.map((path) => `${path} rw - nfs4 s:/ rw`)];
    await writeFile(file, lines.map((line, index) => `${index} 1 0:1 / ${line}\n`).join(''));
    return makeMounts((path) => {
      asked.push(path);
      return Promise.resolve(!silent.has(path));
    }, file);
  }

  beforeEach(async () => {
    [asked, silent] = [[], new Set()];
    for (const path of ['/etc/a', '/etc/nfs/b', '/etc/nfs/deep/c', '/nfs/d', '/nfs/e']) {
      await write(path);
    }
    await link('/etc/link', '~/nfs');
  });

  it('is probed before it is read, and goes in', async () => {
    const mounts = await mountsOf(at('/etc/nfs'), at('/elsewhere'));
    const collected = await collect({ include: ['~/etc'], exclude: ['~/etc/link'] }, { mounts });
    expect(pathsOf(collected)).to.deep.equal(['/etc/a', '/etc/nfs/b', '/etc/nfs/deep/c']);
    expect(asked).to.deep.equal([at('/etc/nfs')]);
  });

  it('that does not answer is left out and named, whichever way an include leads there', async () => {
    const mounts = await mountsOf(at('/etc/nfs'), at('/nfs'));
    silent = new Set([at('/etc/nfs'), at('/nfs')]);
    const include = ['~/etc', '~/nfs/d', '~/etc/link/e', '~/nfs/*'];
    const collected = await collect({ include }, { mounts });
    expect(pathsOf(collected)).to.deep.equal(['/etc/a', '/etc/link']);
    expect(whyNot(collected)).to.deep.equal({
      '/etc/link/e': 'The file system that is mounted at /nfs does not answer.',
      '/etc/nfs': 'The file system that is mounted at /etc/nfs does not answer.',
      '/nfs': 'The file system that is mounted at /nfs does not answer.',
      '/nfs/d': 'The file system that is mounted at /nfs does not answer.',
    });
  });

  it('is not probed again at once if it did not answer', async () => {
    const mounts = await mountsOf(at('/etc/nfs'));
    silent = new Set([at('/etc/nfs')]);
    const said = await rules({ include: ['~/etc/nfs'] });
    for (let round = 0; round < 3; round += 1) await collect(said, { mounts });
    expect(asked).to.have.lengthOf(1);
  });

  it('keeps its former content and folders in the liferaft while it does not answer', async () => {
    const said = await rules({ include: ['~/etc/nfs', '~/etc/a'] });
    const former = await collect(said);
    silent = new Set([at('/etc/nfs')]);
    const mounts = await mountsOf(at('/etc/nfs'));
    await write('/etc/a', 'changed');
    const collected = await collect(said, { mounts, former });
    expect(pathsOf(collected)).to.deep.equal(pathsOf(former));
    expect(collected.folders).to.deep.equal(former.folders);
    expect([...collected.carriedOver].map(({ path }) => path)).to.deep.equal([
      at('/etc/nfs/b'),
      at('/etc/nfs/deep/c'),
    ]);
    expect(collected.leftOut[0]).to.include({ path: at('/etc/nfs'), kept: true });
    expect(collected.files[0]?.size).to.equal(7);
  });

  it('is probed by a separate process', async () => {
    const answers = makeAnswers(makeRun(makeLog('silent')));
    expect(await answers('/proc')).to.equal(true);
    expect(await answers('/is/not/there')).to.equal(true);
    const hangs = makeAnswers(({ argv, deadlineMs }) =>
      makeRun(makeLog('silent'))({
        argv: ['sleep', '60'],
        deadlineMs: deadlineMs / argv.length / 10,
      }),
    );
    expect(await hangs('/proc')).to.equal(false);
  });
});
