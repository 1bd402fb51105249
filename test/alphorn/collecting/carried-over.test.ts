import { expect } from 'chai';

import { carryOver } from '../../../src/alphorn/collecting/carried-over.ts';
import { manifestOf } from '../../support/liferafts.ts';
import { collectBench } from '../../support/collect-bench.ts';

describe('what is carried over from the former liferaft', () => {
  const { write, rules, collect } = collectBench();
  const former = manifestOf({
    files: { '/a/x': '', '/a/deep/y': '', '/b': '' },
    links: { '/a/l': 'x' },
  });
  const folderOf = (path: string) => former.folders.find((each) => each.path === path);
  const pathsOf = ({ files, links }: ReturnType<typeof carryOver>) =>
    [...files, ...links].map(({ path }) => path);
  const fresh = (...paths: string[]) =>
    manifestOf({ files: Object.fromEntries(paths.map((path) => [path, 'new'])) }).files;
  const never = () => false;

  it('is a hidden file, or everything in a hidden folder, with its parent folders', () => {
    expect(pathsOf(carryOver(former, ['/b'], [], folderOf, never))).to.deep.equal(['/b']);
    const carried = carryOver(former, ['/a'], [], () => undefined, never);
    expect(pathsOf(carried)).to.deep.equal(['/a/deep/y', '/a/x', '/a/l']);
    expect(carried.folders.map(({ path }) => path)).to.have.members(['/a', '/a/deep']);
  });

  it('is nothing that is now excluded or already in the new liferaft', () => {
    const excludes = (path: string) => path === '/a/deep';
    const carried = carryOver(former, ['/a'], fresh('/a/x'), folderOf, excludes);
    expect(pathsOf(carried)).to.deep.equal(['/a/l']);
  });

  it('is nothing below a path that is now a file, and no file that is now a folder', () => {
    expect(pathsOf(carryOver(former, ['/a'], fresh('/a/deep'), folderOf, never))).to.not.include(
      '/a/deep/y',
    );
    expect(pathsOf(carryOver(former, ['/a'], fresh('/a/x/new'), folderOf, never))).to.not.include(
      '/a/x',
    );
  });

  it('includes files that changed within the last seconds, if only settled files are read', async () => {
    await write('/etc/a', 'before');
    const said = await rules({ include: ['~/etc'] });
    const first = await collect(said);
    await write('/etc/a', 'after!');
    await write('/etc/b');
    const { files, leftOut } = await collect(said, { former: first, onlySettled: true });
    expect(files).to.deep.equal(first.files);
    expect(leftOut.map(({ kept }) => kept)).to.deep.equal([true, false]);
  });
});
