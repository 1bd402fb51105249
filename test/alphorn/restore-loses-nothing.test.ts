import { execFile } from 'node:child_process';
import fs, { chmod, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect } from 'chai';
import sinon from 'sinon';

import { dieDuring } from '../support/dying-calls.ts';
import { faultOf } from '../support/faults.ts';
import { type Described, storeLiferaft } from '../support/liferafts.ts';
import {
  growTree,
  savedRestores,
  type RestoreBench,
  restoreBench,
  type Tree,
  treeOf,
} from '../support/restore-bench.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const run = promisify(execFile);

const content: Described = {
  folders: { '/etc': {}, '/etc/app': {}, '/etc/app/sub': {}, '/etc/new': {} },
  files: { '/etc/app/sub/a': 'new a', '/etc/b': 'new b', '/etc/new/c': 'new c' },
  links: { '/etc/l': 'new' },
};
const before: Tree = {
  '/etc': 'folder 755 0:0',
  '/etc/app': 'folder 750 3:4',
  '/etc/app/sub': 'folder 2711 5:6',
  '/etc/app/sub/a': 'file 640 7:8 old a',
  '/etc/b': 'file 600 0:0 old b',
  '/etc/l': 'link 0:0 old',
};

describe('an undo', () => {
  const folder = temporaryFolder();
  let bench: RestoreBench;
  let name: string;
  let etc: string;

  beforeEach(async () => {
    bench = restoreBench(folder.path);
    etc = join(bench.alphorn.root, 'etc');
    for (const each of [bench.alphorn.root, bench.alphorn.restores]) await mkdir(each);
    await growTree(bench.alphorn.root, before);
    name = await storeLiferaft(bench.alphorn.liferafts, content);
  });

  const tree = () => treeOf(bench.alphorn.root);
  const restore = (paths?: readonly string[]) =>
    bench.restorer.restore(bench.host, name, paths, bench.warn);
  const undo = (force = false) => bench.restorer.undo(bench.host, force, bench.warn);
  const states = async () => (await bench.restorer.listSaved()).map(({ state }) => state);
  /** All saved copies, without the journals. */
  const copies = async () =>
    Object.entries(await treeOf(bench.alphorn.restores))
      .filter(([path]) => /\/[\d.]+$/.test(path))
      .map(([, what]) => what.replace(/^file 600 0:0 /, ''));

  /** Kills the work at the first call after which the condition is true. */
  async function killWhen(
    work: () => Promise<unknown>,
    isReached: () => Promise<boolean>,
    again: () => Promise<unknown>,
  ): Promise<void> {
    for (let number = 1; ; number += 1) {
      const isDead = await dieDuring(number, bench.alphorn.restores, work);
      expect(isDead, `call ${number}`).to.equal(true);
      if (await isReached()) return;
      await again();
    }
  }
  const isRestored = async () => (await tree())['/etc/b'] === 'file 644 0:0 new b';
  const killRestore = () =>
    killWhen(
      () => restore(['/etc/b', '/etc/l']),
      isRestored,
      async () => {
        if ((await states()).at(-1) === 'half_restored') await undo();
      },
    );

  describe('for a restored file whose folder', () => {
    it('was removed makes that folder again as it was', async () => {
      await restore();
      await rm(join(etc, 'app'), { recursive: true });
      const { message } = await faultOf('changed_since_restore', undo());
      expect(message).to.include('/etc/app/sub/a');
      expect((await undo(true)).paths).to.include('/etc/app/sub/a');
      expect(await tree()).to.deep.equal(before);
      expect(await savedRestores(bench.alphorn)).to.deep.equal([]);
    });

    for (const [what, put] of [
      ['a file', () => writeFile(join(etc, 'app'), 'a file')],
      ['a link', () => symlink('elsewhere', join(etc, 'app'))],
      ['a link to where it was moved', () => symlink('moved', join(etc, 'app'))],
    ] as const) {
      it(`has ${what} in its place names the path, keeps its copy, and puts back all others`, async () => {
        await restore();
        await rename(join(etc, 'app'), join(etc, 'moved'));
        await put();
        await faultOf('changed_since_restore', undo());
        const { message } = await faultOf('restore_failed', undo(true));
        expect(message).to.match(/^1 of 4 paths could not be put back .*\n\/etc\/app\/sub\/a: /s);
        expect((await tree())['/etc/b']).to.equal(before['/etc/b']);
        expect(await states()).to.deep.equal(['partly_undone']);
        expect(await copies()).to.include('old a');
        // The file is put back once nothing is in its way.
        await rm(join(etc, 'app'));
        await rename(join(etc, 'moved'), join(etc, 'app'));
        await undo();
        expect(await tree()).to.deep.equal(before);
        expect(await savedRestores(bench.alphorn)).to.deep.equal([]);
      });
    }
  });

  for (const [what, put] of [
    ['a folder', () => mkdir(join(etc, 'b'))],
    ['a pipe', () => run('mkfifo', [join(etc, 'b')])],
  ] as const) {
    it(`names ${what} in the place of a restored file, also by force`, async () => {
      await restore();
      await rm(join(etc, 'b'));
      await put();
      for (let count = 0; count < 2; count += 1) {
        const { message } = await faultOf('restore_failed', undo(true));
        expect(message).to.include('/etc/b: a ');
        expect(await copies()).to.have.members(['old a', 'old b']);
      }
      await rm(join(etc, 'b'), { recursive: true });
      await undo(true);
      expect(await tree()).to.deep.equal(before);
    });
  }

  it('puts back everything except a path that cannot be changed', async () => {
    await restore();
    // A mount point cannot be renamed over.
    await run('mount', ['--bind', join(etc, 'b'), join(etc, 'b')]);
    try {
      const { message } = await faultOf('restore_failed', undo());
      expect(message).to.match(/\/etc\/b: The system refused to change \/etc\/b: EBUSY/);
      expect((await tree())['/etc/l']).to.equal(before['/etc/l']);
      expect(await copies()).to.include('old b');
    } finally {
      await run('umount', [join(etc, 'b')]);
    }
    await undo();
    expect(await tree()).to.deep.equal(before);
  });

  it('names the reason if a file that the restore created cannot be removed', async () => {
    await restore();
    const made = join(etc, 'new/c');
    await run('mount', ['--bind', made, made]);
    try {
      const { message } = await faultOf('restore_failed', undo());
      expect(message).to.match(/\/etc\/new\/c: .*: EBUSY: resource busy or locked$/m);
    } finally {
      await run('umount', [made]);
    }
    await undo();
    expect(await tree()).to.deep.equal(before);
  });

  it('keeps all copies if an owner or a mode cannot be set', async () => {
    await restore();
    const handle = await fs.open('/dev/null');
    const prototype = Object.getPrototypeOf(handle) as typeof handle;
    await handle.close();
    for (const call of ['chown', 'chmod'] as const) {
      const stub = sinon.stub(prototype, call);
      stub.rejects(Object.assign(new Error('EPERM: operation not permitted'), { code: 'EPERM' }));
      try {
        await faultOf('restore_failed', undo());
        expect(await copies()).to.include.members(['old a', 'old b']);
      } finally {
        stub.restore();
      }
    }
    await undo();
    expect(await tree()).to.deep.equal(before);
  });

  it('keeps all copies while the file system is read-only', async () => {
    await run('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', etc]);
    try {
      await growTree(bench.alphorn.root, before);
      await restore();
      await run('mount', ['-o', 'remount,ro', etc]);
      for (const force of [false, true]) {
        await undo(force).then(
          () => expect.fail('it succeeded'),
          (error: unknown) => {
            expect(error).to.have.property('code').that.is.oneOf(['no_space', 'restore_failed']);
          },
        );
        expect(await copies()).to.include.members(['old a', 'old b']);
      }
      await run('mount', ['-o', 'remount,rw', etc]);
      await undo();
      expect(await tree()).to.deep.equal(before);
    } finally {
      await run('umount', [etc]);
    }
  });

  it('does not put back a copy that is damaged or missing', async () => {
    const { kept } = await restore();
    const copy = join(kept ?? '', '0');
    await writeFile(copy, 'x');
    const { message } = await faultOf('restore_failed', undo());
    expect(message).to.include(copy);
    expect((await tree())['/etc/app/sub/a']).to.equal(before['/etc/app/sub/a']);
    await rm(copy);
    await faultOf('restore_failed', undo());
    expect(await states()).to.deep.equal(['partly_undone']);
  });

  it('by force saves what others have changed since', async () => {
    await restore();
    await writeFile(join(etc, 'b'), 'mine');
    await rm(join(etc, 'l'));
    await symlink('mine', join(etc, 'l'));
    await undo(true);
    expect(await tree()).to.deep.equal(before);
    expect(await copies()).to.include('mine');
    expect(await states()).to.deep.equal(['undone']);
    expect(bench.warnings.join()).to.match(/What was changed since the restore is saved in /);
    // What others changed is not a restore, so there is nothing to undo.
    await faultOf('nothing_to_undo', undo());
  });

  it('names folders that the restore created and that others have put files into', async () => {
    await restore();
    await writeFile(join(etc, 'new/mine'), 'mine');
    await undo();
    expect(bench.warnings).to.deep.equal([
      'These folders stay, because others have put something into them: /etc/new',
    ]);
  });

  describe('after a restore that was killed', () => {
    it('and a change by hand keeps the original, and puts it back by force', async () => {
      await killRestore();
      await writeFile(join(etc, 'b'), 'mine');
      const { message } = await faultOf('changed_since_restore', undo());
      expect(message).to.include('/etc/b: it was changed since');
      expect((await tree())['/etc/l']).to.equal(before['/etc/l']);
      expect(await copies()).to.include('old b');
      await faultOf('changed_since_restore', undo());
      await undo(true);
      expect(await tree()).to.deep.equal(before);
      expect(await copies()).to.include('mine');
    });

    it('and another restore puts back the original by force', async () => {
      await killRestore();
      await writeFile(join(etc, 'b'), 'mine');
      await restore(['/etc/l']);
      expect(bench.warnings.join()).to.include('/etc/b: it was changed since');
      expect(await states()).to.deep.equal(['partly_undone', 'done']);
      await undo();
      await undo(true);
      expect(await tree()).to.deep.equal(before);
      expect(await copies()).to.include('mine');
    });

    it('undoes the killed restore, and not the one before it', async () => {
      await restore(['/etc/new']);
      await killRestore();
      expect((await undo()).paths).to.deep.equal(['/etc/b', '/etc/l']);
      expect((await tree())['/etc/new/c']).to.equal('file 644 0:0 new c');
      expect((await undo()).paths).to.deep.equal(['/etc/new/c']);
      expect(await tree()).to.deep.equal(before);
    });

    it('before its first change keeps nothing', async () => {
      const hasCopies = async () =>
        (await savedRestores(bench.alphorn)).some((each) => /Z$/.test(each));
      await killWhen(
        () => restore(['/etc/b']),
        hasCopies,
        () => Promise.resolve(),
      );
      expect((await tree())['/etc/b']).to.equal(before['/etc/b']);
      await writeFile(join(etc, 'b'), 'mine');
      await undo();
      expect((await tree())['/etc/b']).to.match(/ mine$/);
      expect(await savedRestores(bench.alphorn)).to.deep.equal([]);
    });
  });

  it('that was killed keeps the copy of a file that was changed by hand afterwards, also after a restore', async () => {
    await restore(['/etc/b', '/etc/l']);
    const isBack = async () => (await tree())['/etc/l'] === before['/etc/l'];
    await killWhen(
      () => undo(),
      isBack,
      async () => {
        // Starts from the beginning for the next call.
        await undo().catch(() => undefined);
        await restore(['/etc/b', '/etc/l']);
      },
    );
    await writeFile(join(etc, 'b'), 'mine');
    await writeFile(join(etc, 'c'), 'mine too');
    await restore(['/etc/new']);
    expect((await tree())['/etc/b']).to.match(/ mine$/);
    expect(await copies()).to.include('old b');
    await undo();
    await undo(true);
    expect(await tree()).to.include(before);
  });

  it('by force that was killed loses no change that was made before or after', async () => {
    const all = [];
    for (let number = 1; ; number += 1) {
      bench = restoreBench(join(folder.path, `${number}`));
      etc = join(bench.alphorn.root, 'etc');
      for (const each of [bench.alphorn.root, bench.alphorn.restores])
        await mkdir(each, { recursive: true });
      await growTree(bench.alphorn.root, before);
      await storeLiferaft(bench.alphorn.liferafts, content);
      await restore();
      await writeFile(join(etc, 'b'), 'first');
      if (!(await dieDuring(number, bench.alphorn.restores, () => undo(true)))) break;
      const wasBack = (await tree())['/etc/b'] === before['/etc/b'];
      await writeFile(join(etc, 'b'), 'second');
      await undo().catch(() => undefined);
      const found = [...(await copies()), ...Object.values(await tree())].join();
      for (const each of ['second', 'old a', 'old b']) {
        // If a path was already put back, the change by hand has overwritten it.
        if (each === 'old b' && wasBack) continue;
        expect(found, `call ${number}`).to.include(each);
      }
      all.push(wasBack);
    }
    expect(all).to.include(true).and.to.include(false);
  });

  it('by force completes the rollback of a failed restore, which skipped a changed file', async () => {
    // Refuses the last path that is put in place.
    const real = fs.rename;
    const stub = sinon.stub(fs, 'rename').callsFake(async (from, to) => {
      if (String(to).endsWith('/l')) {
        await writeFile(join(etc, 'b'), 'mine');
        throw Object.assign(new Error('EPERM: operation not permitted'), { code: 'EPERM' });
      }
      await real(from, to);
    });
    syncBuiltinESMExports();
    try {
      const { message } = await faultOf('restore_failed', restore());
      expect(message).to.match(/\/etc\/l: EPERM.*\n\/etc\/b: it was changed since/s);
    } finally {
      stub.restore();
      syncBuiltinESMExports();
    }
    expect(await tree()).to.deep.equal({ ...before, '/etc/b': 'file 644 0:0 mine' });
    expect(await copies()).to.include('old b');
    await undo(true);
    expect(await tree()).to.deep.equal(before);
  });

  it('keeps the mode of a folder that others have changed', async () => {
    await restore();
    await chmod(join(etc, 'app'), 0o700);
    await undo();
    expect((await tree())['/etc/app']).to.equal('folder 700 3:4');
  });

  it('leaves no other files behind', async () => {
    await restore();
    await undo(true);
    expect((await readdir(etc)).filter((each) => each.startsWith('.alphorn'))).to.deep.equal([]);
  });
});
