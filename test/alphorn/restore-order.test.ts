import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';
import sinon from 'sinon';

import { faultOf } from '../support/faults.ts';
import { type Described } from '../support/liferafts.ts';
import {
  savedRestores,
  type RestoreBench,
  restoreBenchWith,
  type Tree,
  treeOf,
} from '../support/restore-bench.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const content: Described = {
  files: { '/etc/a': 'new a', '/etc/b': 'new b', '/etc/c': 'new c' },
};
const before: Tree = {
  '/etc': 'folder 755 0:0',
  '/etc/a': 'file 640 7:8 old a',
  '/etc/b': 'file 600 0:0 old b',
  '/etc/c': 'file 600 0:0 old c',
};

describe('the order of restores', () => {
  const folder = temporaryFolder();
  let bench: RestoreBench;
  let name: string;

  beforeEach(async () => {
    ({ bench, name } = await restoreBenchWith(folder.path, before, content));
  });

  const tree = () => treeOf(bench.alphorn.root);
  const restore = (...paths: string[]) =>
    bench.restorer.restore(bench.host, name, paths, bench.warn);
  const undo = (force = false) => bench.restorer.undo(bench.host, force, bench.warn);
  const ids = async () => (await bench.restorer.listSaved()).map(({ id }) => id);

  it('follows a counter, whatever the clock says', async () => {
    const clock = sinon.useFakeTimers({ now: Date.now(), toFake: ['Date'] });
    const dayMs = 24 * 3600 * 1000;
    try {
      for (const [path, step] of [
        ['/etc/a', -40 * dayMs],
        ['/etc/b', 400 * dayMs],
        ['/etc/c', -20_000 * dayMs],
      ] as const) {
        await restore(path);
        clock.setSystemTime(Date.now() + step);
      }
      for (const path of ['/etc/c', '/etc/b', '/etc/a']) {
        expect((await undo()).paths).to.deep.equal([path]);
        clock.setSystemTime(Date.now() + 3 * dayMs);
      }
    } finally {
      clock.restore();
    }
    expect(await tree()).to.deep.equal(before);
  });

  it('uses no number twice, even after an undo, a drop, or damage to the counter', async () => {
    await restore('/etc/a');
    await undo();
    await restore('/etc/a');
    await restore('/etc/b');
    expect(await ids()).to.deep.equal(['2', '3']);
    await bench.restorer.drop(['3'], false);
    await restore('/etc/c');
    expect(await ids()).to.deep.equal(['2', '4']);
    for (const damaged of ['', 'x', '-7', '1e999']) {
      await writeFile(join(bench.alphorn.restores, 'counter'), damaged);
      await undo();
      await restore('/etc/c');
      expect((await undo()).paths).to.deep.equal(['/etc/c']);
      await restore('/etc/c');
    }
  });

  it('puts restores of an older version, which have no number, first', async () => {
    const { kept } = await restore('/etc/a');
    const former = join(bench.alphorn.restores, '20991231T235959.999Z');
    await rename(kept ?? '', former);
    await restore('/etc/b');
    expect(await ids()).to.deep.equal(['20991231T235959.999Z', '2']);
    expect((await undo()).paths).to.deep.equal(['/etc/b']);
    expect((await undo()).paths).to.deep.equal(['/etc/a']);
    expect(await tree()).to.deep.equal(before);
  });

  describe('with a damaged journal', () => {
    let journal: string;
    beforeEach(async () => {
      await restore('/etc/a');
      const { kept } = await restore('/etc/b');
      journal = join(kept ?? '', 'journal.json');
    });

    for (const damaged of ['', '{', '{}', 'null', undefined, 'later version']) {
      it(`(${damaged ?? 'missing'}) names the file and the remedy, and blocks nothing else`, async () => {
        if (damaged === undefined) await rm(journal);
        else if (damaged === 'later version') {
          await rename(journal, journal.replace('journal', 'journal.later'));
        } else await writeFile(journal, damaged);
        const { message } = await faultOf('restore_failed', undo(true));
        expect(message).to.include(damaged === 'later version' ? 'journal.later.json' : journal);
        expect(message).to.include("'hactl alphorn restores drop 2'");

        // Other restores and their undo still work.
        await restore('/etc/c');
        expect(bench.warnings).to.deep.equal([message]);
        expect((await undo()).paths).to.deep.equal(['/etc/c']);
        await faultOf('restore_failed', undo());
        expect(await readdir(join(journal, '..'))).to.include('0');

        expect(await bench.restorer.drop(['2'], false)).to.deep.equal(['2']);
        expect((await undo()).paths).to.deep.equal(['/etc/a']);
        expect(await savedRestores(bench.alphorn)).to.deep.equal([]);
      });
    }

    it('does not affect the undo of a later restore', async () => {
      await writeFile(
        join((await bench.restorer.listSaved())[0]?.folder ?? '', 'journal.json'),
        '',
      );
      expect((await undo()).paths).to.deep.equal(['/etc/b']);
    });

    it('is listed, and reported by a diff', async () => {
      await writeFile(journal, '{');
      const listed = await bench.restorer.listSaved();
      expect(listed.map(({ state }) => state)).to.deep.equal(['done', 'damaged']);
      const { warnings } = await bench.restorer.diff(name);
      expect(warnings).to.deep.equal([listed[1]?.problem]);
    });

    it('may be a file in the place of a folder, which is listed as damaged too', async () => {
      await rm(join(journal, '..'), { recursive: true });
      await writeFile(join(journal, '..'), '');
      expect((await bench.restorer.listSaved()).map(({ state }) => state)).to.deep.equal([
        'done',
        'damaged',
      ]);
      await restore('/etc/c');
      await bench.restorer.drop(['2'], false);
      expect(await ids()).to.deep.equal(['1', '3']);
    });
  });
});
