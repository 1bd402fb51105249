import { watch } from 'node:fs';
import { chmod, chown, open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import {
  createFile,
  linesFromEnd,
  readTextIfThere,
  removeFile,
  removeTemporaries,
  replaceFile,
  replaceKeepingPrevious,
} from '../../../src/kit/files/files.ts';
import { waitUntil } from '../../lab/wait.ts';
import { allOf } from '../../support/all-of.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('files', () => {
  const folder = temporaryFolder();
  const path = () => join(folder.path, 'a.json');

  it('are replaced as a whole with the given mode, and leave no other file', async () => {
    await writeFile(path(), 'old', { mode: 0o644 });
    await replaceFile(path(), 'new', 0o600);
    expect(await readFile(path(), 'utf8')).to.equal('new');
    expect((await stat(path())).mode & 0o777).to.equal(0o600);
    expect(await readdir(folder.path)).to.deep.equal(['a.json']);
  });

  it('are replaced by new files, so that a reader keeps the one it opened', async () => {
    await replaceFile(path(), 'old', 0o600);
    const before = (await stat(path())).ino;
    await replaceFile(path(), 'new', 0o600);
    expect((await stat(path())).ino).not.to.equal(before);
  });

  it('are created once, however many callers try at the same time', async () => {
    const tries = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => createFile(path(), `${index}`, 0o600)),
    );
    const winners = tries.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
    expect(winners).to.have.lengthOf(1);
    expect(await readFile(path(), 'utf8')).to.equal(`${winners[0] ?? 'none'}`);
    expect(await readdir(folder.path)).to.deep.equal(['a.json']);
  });

  it('leave no temporary file if they cannot be put in place', async () => {
    await createFile(path(), 'first', 0o600);
    await createFile(path(), 'second', 0o600).catch(() => undefined);
    expect(await readdir(folder.path)).to.deep.equal(['a.json']);
  });

  it('that killed processes left behind are removed, and those of running ones stay', async () => {
    // Larger than the id of any process (PID_MAX_LIMIT of proc_sys_kernel(5)).
    const [left, running] = [2 ** 22 + 1, process.pid].map(
      (pid) => `a.json.${pid}-0123456789ab.new`,
    );
    const others = [running ?? '', 'a.json', 'b.new'];
    for (const name of [left ?? '', ...others]) await writeFile(join(folder.path, name), 'half');
    await removeTemporaries(folder.path);
    expect(await readdir(folder.path)).to.have.members(others);
    await removeTemporaries(join(folder.path, 'not-there'));
  });

  it('have temporary names with the id of their process', async () => {
    const names: string[] = [];
    await replaceFile(path(), 'former', 0o600);
    const watching = watch(folder.path, (_event, name) => names.push(name ?? ''));
    await replaceFile(path(), 'new', 0o600);
    const isNamed = (name: string) => name.startsWith(`a.json.${process.pid}-`);
    await waitUntil('the temporary file', () => names.some(isNamed));
    watching.close();
  });

  it('that are missing are distinguished from existing ones', async () => {
    expect(await readTextIfThere(path())).to.equal(undefined);
    await replaceFile(path(), '', 0o600);
    expect(await readTextIfThere(path())).to.equal('');
    await removeFile(path());
    expect(await readTextIfThere(path())).to.equal(undefined);
  });

  describe('that belong to others, when replaced', () => {
    const previous = () => `${path()}.previous`;

    it('keep their mode, owner and previous content', async () => {
      await writeFile(path(), 'old');
      await chmod(path(), 0o640);
      const { uid, gid } = await stat(path());
      await replaceKeepingPrevious(path(), 'new', 0o600);
      expect(await readFile(path(), 'utf8')).to.equal('new');
      expect(await readFile(previous(), 'utf8')).to.equal('old');
      for (const file of [path(), previous()]) {
        const found = await stat(file);
        expect([found.mode & 0o7777, found.uid, found.gid]).to.deep.equal([0o640, uid, gid]);
      }
      expect(await readdir(folder.path)).to.have.members(['a.json', 'a.json.previous']);
    });

    it('keep their owner, whoever runs the agent', async () => {
      await writeFile(path(), 'old');
      const { uid, gid } = await stat(path());
      // Only root can give a file away.
      const owner = uid === 0 ? { uid: 4711, gid: 4712 } : { uid, gid };
      await chown(path(), owner.uid, owner.gid);
      await replaceKeepingPrevious(path(), 'new', 0o600);
      const found = await stat(path());
      expect({ uid: found.uid, gid: found.gid }).to.deep.equal(owner);
    });

    it('have the given mode and no previous file, if there was no file', async () => {
      await replaceKeepingPrevious(path(), Buffer.from([0, 255]), 0o400);
      expect(await readFile(path())).to.deep.equal(Buffer.from([0, 255]));
      expect((await stat(path())).mode & 0o777).to.equal(0o400);
      expect(await readdir(folder.path)).to.deep.equal(['a.json']);
    });

    it('have their last content in the previous file, even if it did not change', async () => {
      for (const content of ['1', '2', '2', '3'])
        await replaceKeepingPrevious(path(), content, 0o600);
      expect([await readFile(path(), 'utf8'), await readFile(previous(), 'utf8')]).to.deep.equal([
        '3',
        '2',
      ]);
      expect(await readdir(folder.path)).to.have.members(['a.json', 'a.json.previous']);
    });
  });

  describe('that are read from their end', () => {
    async function lines(): Promise<string[]> {
      const file = await open(path(), 'r');
      try {
        return await allOf(linesFromEnd(file, (await file.stat()).size));
      } finally {
        await file.close();
      }
    }

    it('give their lines, last line first, without empty ones', async () => {
      await writeFile(path(), 'one\ntwo\n\nthree\n');
      expect(await lines()).to.deep.equal(['three', 'two', 'one']);
      await writeFile(path(), 'one\nthe last has no line break');
      expect(await lines()).to.deep.equal(['the last has no line break', 'one']);
    });

    it('give no line if they are empty', async () => {
      await writeFile(path(), '');
      expect(await lines()).to.deep.equal([]);
    });

    it('give whole lines, wherever the blocks that are read begin', async () => {
      const all = ['ä'.repeat(200_000), 'b', 'größte '.repeat(9_000), 'c'.repeat(65_535), 'd'];
      for (const length of [0, 1, 2, 3, 65_533, 65_534, 65_535, 65_536, 65_537]) {
        const written = [...all, 'e'.repeat(length)].filter((line) => line !== '');
        await writeFile(path(), `${written.join('\n')}\n`);
        expect(await lines(), `${length}`).to.deep.equal(written.toReversed());
      }
    });
  });
});
