import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { createFile, readTextIfThere, removeFile, replaceFile } from '../src/files.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

describe('files', () => {
  const folder = temporaryFolder();
  const path = () => join(folder.path, 'a.json');

  it('replaces a file whole, with the mode asked for, and leaves nothing else', async () => {
    await writeFile(path(), 'old', { mode: 0o644 });
    await replaceFile(path(), 'new', 0o600);
    expect(await readFile(path(), 'utf8')).to.equal('new');
    expect((await stat(path())).mode & 0o777).to.equal(0o600);
    expect(await readdir(folder.path)).to.deep.equal(['a.json']);
  });

  it('is replaced as another file, so that a reader keeps the one it opened', async () => {
    await replaceFile(path(), 'old', 0o600);
    const before = (await stat(path())).ino;
    await replaceFile(path(), 'new', 0o600);
    expect((await stat(path())).ino).not.to.equal(before);
  });

  it('creates a file once: of many who try at the same time one wins', async () => {
    const tries = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => createFile(path(), `${index}`, 0o600)),
    );
    const winners = tries.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
    expect(winners).to.have.lengthOf(1);
    expect(await readFile(path(), 'utf8')).to.equal(`${winners[0] ?? 'none'}`);
    expect(await readdir(folder.path)).to.deep.equal(['a.json']);
  });

  it('leaves no temporary file when it cannot be put in place', async () => {
    await createFile(path(), 'first', 0o600);
    await createFile(path(), 'second', 0o600).catch(() => undefined);
    expect(await readdir(folder.path)).to.deep.equal(['a.json']);
  });

  it('tells a missing file from one that is there', async () => {
    expect(await readTextIfThere(path())).to.equal(undefined);
    await replaceFile(path(), '', 0o600);
    expect(await readTextIfThere(path())).to.equal('');
    await removeFile(path());
    expect(await readTextIfThere(path())).to.equal(undefined);
  });
});
