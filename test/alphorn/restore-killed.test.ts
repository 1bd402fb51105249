import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { expect } from 'chai';

import type { KeepLimits } from '../../src/alphorn/restoring/limits.ts';
import { dieDuring } from '../support/dying-calls.ts';
import { type Described, storeLiferaft } from '../support/liferafts.ts';
import {
  growTree,
  savedRestores,
  type RestoreBench,
  restoreBench,
  type Tree,
  treeOf,
} from '../support/restore-bench.ts';
import { argvOf } from '../support/run-and-kill.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const script = fileURLToPath(new URL('killed-restore.ts', import.meta.url));

const content: Described = {
  folders: { '/etc': {}, '/etc/new': { mode: 0o2750, gid: 6, group: null } },
  files: {
    '/etc/content': { content: 'new', mode: 0o640 },
    '/etc/new/a': 'a',
  },
  links: { '/etc/link': { target: '/nowhere' } },
};
const before: Tree = {
  '/etc': 'folder 755 0:0',
  '/etc/content': 'file 4755 3:4 old',
  '/etc/link': 'link 5:5 old-target',
};
const after: Tree = {
  '/etc': 'folder 755 0:0',
  '/etc/content': 'file 640 0:0 new',
  '/etc/new': 'folder 2750 0:6',
  '/etc/new/a': 'file 644 0:0 a',
  '/etc/link': 'link 0:0 /nowhere',
};

describe('a restore that is killed at any call that changes something', () => {
  const folder = temporaryFolder();
  let name: string;

  /** A fresh host on which these steps were done already. */
  async function freshHost(
    label: string,
    done: readonly string[] = [],
    limits?: KeepLimits,
  ): Promise<RestoreBench> {
    const bench = restoreBench(join(folder.path, label), limits);
    const { alphorn, restorer, host, warn } = bench;
    for (const each of [alphorn.root, alphorn.restores]) await mkdir(each, { recursive: true });
    await growTree(alphorn.root, before);
    name = await storeLiferaft(alphorn.liferafts, content);
    for (const what of done) {
      if (what === 'restore') await restorer.restore(host, name, undefined, warn);
      else await writeFile(join(alphorn.root, 'etc/content'), 'changed');
    }
    return bench;
  }

  /** Kills the work at each call in turn, and checks the result. */
  async function dieAtEach(
    done: readonly string[],
    work: (bench: RestoreBench) => Promise<unknown>,
    look: (bench: RestoreBench, label: string) => Promise<void>,
    limits?: KeepLimits,
  ): Promise<void> {
    for (let number = 1; ; number += 1) {
      const bench = await freshHost(`${number}`, done, limits);
      const isDead = await dieDuring(number, bench.alphorn.restores, () => work(bench));
      if (!isDead) {
        expect(number).to.be.greaterThan(20);
        return;
      }
      await look(bench, `call ${number}`);
    }
  }

  async function undoIfAny({ restorer, host, warn }: RestoreBench): Promise<void> {
    await restorer.undo(host, false, warn).catch((error: unknown) => {
      expect(error).to.have.property('code', 'nothing_to_undo');
    });
  }

  const restore = ({ restorer, host, warn }: RestoreBench) =>
    restorer.restore(host, name, undefined, warn);

  it('is undone by the next undo, and leaves nothing', async () => {
    const allWarnings = new Set<string>();
    await dieAtEach([], restore, async (bench, label) => {
      const { alphorn, warnings } = bench;
      await undoIfAny(bench);
      expect(await treeOf(alphorn.root), label).to.deep.equal(before);
      expect(await savedRestores(alphorn), label).to.deep.equal([]);
      for (const text of warnings) allWarnings.add(text.replace(/\d{4}-\S+Z/, 'TIME'));
      await restore(bench);
      expect(await treeOf(alphorn.root), label).to.deep.equal(after);
    });
    expect([...allWarnings]).to.deep.equal([
      `The restore of ${name} of TIME was killed before it had ended. Everything that it had changed was put back as it was before the restore.`,
    ]);
  });

  it('is undone by the next restore, even of other paths', async () => {
    await dieAtEach([], restore, async ({ restorer, host, alphorn, warn }, label) => {
      const isDone = (await treeOf(alphorn.root))['/etc/new/a'] === after['/etc/new/a'];
      await restorer.restore(host, name, ['/etc/link'], warn);
      const found = await treeOf(alphorn.root);
      expect(found['/etc/link'], label).to.equal(after['/etc/link']);
      // A restore that was finished when it was killed stays.
      if (found['/etc/new/a'] === undefined) {
        expect(found, label).to.deep.equal({ ...before, '/etc/link': after['/etc/link'] });
      } else {
        expect(isDone, label).to.equal(true);
        expect(found, label).to.deep.equal(after);
      }
    });
  });

  it('is undone without touching what others changed since', async () => {
    await dieAtEach([], restore, async (bench, label) => {
      const { alphorn, warnings } = bench;
      const isDone = (await treeOf(alphorn.root))['/etc/link'] === after['/etc/link'];
      await writeFile(join(alphorn.root, 'etc/content'), 'mine');
      await bench.restorer.undo(bench.host, false, bench.warn).catch((error: unknown) => {
        expect(error, label)
          .to.have.property('code')
          .that.is.oneOf(['nothing_to_undo', 'changed_since_restore']);
      });
      const found = await treeOf(alphorn.root);
      expect(found['/etc/content'], label).to.match(/ mine$/);
      if (!isDone) expect(found['/etc/link'], label).to.equal(before['/etc/link']);
      if (warnings.length > 1) expect(warnings[1]).to.include('/etc/content');
    });
  });

  it('loses at most the oldest saved restore, which the next restore removes completely', async () => {
    const limits = { restores: 2, bytes: 1024 ** 3, days: 90 };
    const done = ['restore', 'change', 'restore', 'change'];
    await dieAtEach(
      done,
      restore,
      async (bench, label) => {
        const { alphorn, host, restorer, warn } = bench;
        const inside = async () =>
          Promise.all(
            (await savedRestores(alphorn)).map(async (each) =>
              (await readdir(join(alphorn.restores, each))).filter((file) =>
                /^journal(?:\.\w+)?\.json$/.test(file),
              ),
            ),
          );
        const journals = (await inside()).flat();
        expect(journals.length, label).to.be.within(2, 3);
        await writeFile(join(alphorn.root, 'etc/content'), 'changed again');
        await restorer.restore(host, name, undefined, warn);
        const names = (await inside()).map((each) => each.join());
        expect(names.at(-1), label).to.equal('journal.json');
        // The killed restore may have the only copy of what was changed again. It then stays in addition to the two.
        const isPartial = (each: string) => each === 'journal.partial.json';
        expect(names.filter((each) => !isPartial(each)).length, label).to.be.within(1, 2);
        expect(names.filter(isPartial).length, label).to.be.within(0, 1);
        await restorer.undo(host, false, warn);
        const found = await treeOf(alphorn.root);
        expect(found['/etc/content'], label).to.match(/ changed again$/);
      },
      limits,
    );
  });

  it('is undone completely after its undo was killed', async () => {
    const undo = ({ restorer, host, warn }: RestoreBench) => restorer.undo(host, false, warn);
    await dieAtEach(['restore'], undo, async (bench, label) => {
      await undoIfAny(bench);
      expect(await treeOf(bench.alphorn.root), label).to.deep.equal(before);
      expect(await savedRestores(bench.alphorn), label).to.deep.equal([]);
    });
  });

  it('is undone completely or not at all after an undo by force was killed', async () => {
    const changed = { ...after, '/etc/content': 'file 640 0:0 changed' };
    const force = ({ restorer, host, warn }: RestoreBench) => restorer.undo(host, true, warn);
    await dieAtEach(['restore', 'change'], force, async (bench, label) => {
      const found = await treeOf(bench.alphorn.root);
      const outcome: unknown = await bench.restorer
        .undo(bench.host, false, bench.warn)
        .catch((error: unknown) => error);
      const isRefused = (outcome as { code?: string }).code === 'changed_since_restore';
      // In this case the undo by force had not begun.
      if (isRefused) expect(found, label).to.deep.equal(changed);
      expect(await treeOf(bench.alphorn.root), label).to.deep.equal(isRefused ? changed : before);
    });
  });

  it('is recognised by its process, which no longer exists', async () => {
    for (const number of [4, 14, 25]) {
      const bench = await freshHost(`${number}`);
      const [file, ...argv] = argvOf(script, join(folder.path, `${number}`), name, `${number}`);
      const killed: unknown = await promisify(execFile)(file, argv).catch(
        (error: unknown) => error,
      );
      expect(killed).to.have.property('signal', 'SIGKILL');
      await undoIfAny(bench);
      expect(await treeOf(bench.alphorn.root), `call ${number}`).to.deep.equal(before);
      expect(await savedRestores(bench.alphorn), `call ${number}`).to.deep.equal([]);
    }
  });
});
