import { mkdir } from 'node:fs/promises';

import { expect } from 'chai';

import { unwatchableAmong } from '../../../../src/alphorn/collecting/walk/unwatchable.ts';
import { collectBench } from '../../../support/collect-bench.ts';

describe('a path that must not be watched', () => {
  const { at, link, write } = collectBench();
  const folders = ['/etc', '/etc/a', '/etc/b', '/etc/b/nfs', '/etc/c', '/etc/d', '/nfs'];

  it('is on a remote file system, or is a folder that contains one or a link to one', async () => {
    for (const folder of folders) await mkdir(at(folder), { recursive: true });
    await write('/etc/a/file');
    await link('/etc/c/link', '~/nfs/deep');
    await link('/etc/d/link', '~/etc/a');
    const remote = [at('/etc/b/nfs'), at('/nfs')];
    const closed = unwatchableAmong([at('/etc'), at('/etc/c/link/x')], remote, () => false);
    expect(folders.filter((folder) => closed(at(folder)))).to.deep.equal([
      '/etc/b',
      '/etc/b/nfs',
      '/etc/c',
      '/nfs',
    ]);
    expect([closed(at('/etc/c/link/x')), closed(at('/etc/a/file'))]).to.deep.equal([true, false]);
  });

  it('does not exist without such a remote file system', () => {
    expect(unwatchableAmong([at('/etc')], [], () => false)(at('/etc'))).to.equal(false);
  });
});
