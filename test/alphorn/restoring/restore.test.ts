import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';
import sinon from 'sinon';

import { makeRestorer } from '../../../src/alphorn/restoring/restore.ts';
import { openStore } from '../../../src/alphorn/receiving/store.ts';
import { faultOf } from '../../support/faults.ts';
import { type Described, storeLiferaft } from '../../support/liferafts.ts';
import {
  growTree,
  savedRestores,
  type RestoreBench,
  restoreBench,
  restoreBenchWith,
  type Tree,
  treeOf,
} from '../../support/restore-bench.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const run = promisify(execFile);

/** Something of each kind that a liferaft can hold. */
const everything: Described = {
  folders: {
    '/etc': {},
    '/etc/new': { mode: 0o2750, uid: 5, user: null, gid: 6, group: null },
    '/etc/new/deep': { mode: 0o700 },
  },
  files: {
    '/etc/same': 'same',
    '/etc/content': { content: 'new', mode: 0o640 },
    '/etc/was-link': 'file',
    '/etc/suid': { content: '', mode: 0o6755, uid: 7, user: null, gid: 8, group: null },
    '/etc/new/deep/größe': { content: 'x'.repeat(300_000), mode: 0o400 },
  },
  links: {
    '/etc/link': { target: '../new' },
    '/etc/was-file': { target: '/nowhere', uid: 9, user: null },
  },
};

const before: Tree = {
  '/etc': 'folder 711 0:0',
  '/etc/same': 'file 644 0:0 same',
  '/etc/content': 'file 4755 3:4 old',
  '/etc/was-link': 'link 5:5 old-target',
  '/etc/was-file': 'file 600 0:0 old file',
  '/etc/others': 'file 644 0:0 not in the liferaft',
};

const after: Tree = {
  '/etc': 'folder 711 0:0',
  '/etc/same': 'file 644 0:0 same',
  '/etc/content': 'file 640 0:0 new',
  '/etc/was-link': 'file 644 0:0 file',
  '/etc/suid': 'file 6755 7:8 ',
  '/etc/new': 'folder 2750 5:6',
  '/etc/new/deep': 'folder 700 0:0',
  '/etc/new/deep/größe': `file 400 0:0 ${'x'.repeat(300_000)}`,
  '/etc/link': 'link 0:0 ../new',
  '/etc/was-file': 'link 9:0 /nowhere',
  '/etc/others': 'file 644 0:0 not in the liferaft',
};

describe('a restore', () => {
  const folder = temporaryFolder();
  let bench: RestoreBench;
  let name: string;

  beforeEach(async () => {
    ({ bench, name } = await restoreBenchWith(folder.path, before, everything));
  });

  const tree = () => treeOf(bench.alphorn.root);
  const restore = (paths?: readonly string[], which = name) =>
    bench.restorer.restore(bench.host, which, paths, bench.warn);
  const undo = (force = false) => bench.restorer.undo(bench.host, force, bench.warn);
  const saved = () => savedRestores(bench.alphorn);

  it('brings back content, modes, owners, links and folders, and nothing else', async () => {
    const { differences, kept: savedIn } = await restore();
    expect(await tree()).to.deep.equal(after);
    expect(differences.map(({ path }) => path)).to.have.members([
      '/etc/new',
      '/etc/new/deep',
      '/etc/content',
      '/etc/was-link',
      '/etc/suid',
      '/etc/new/deep/größe',
      '/etc/link',
      '/etc/was-file',
    ]);
    expect(savedIn).to.match(/\/restore\/00000001-\d{8}T\d{6}\.\d{3}Z$/);
    expect((await bench.restorer.diff(name)).differences).to.deep.equal([]);
    expect(bench.warnings).to.deep.equal([]);
  });

  it('is undone to the byte, and then the restore before it', async () => {
    await restore(['/etc/content']);
    const between = await tree();
    await restore();
    const undone = await undo();
    expect(undone).to.include({ liferaft: name, generation: 1 });
    expect(undone.paths).to.include('/etc/was-file').and.not.to.include('/etc/content');
    expect(await tree()).to.deep.equal(between);
    await undo();
    expect(await tree()).to.deep.equal(before);
    await faultOf('nothing_to_undo', undo());
    expect(await saved()).to.deep.equal([]);
  });

  it('saves what it replaced for root only', async () => {
    const { kept: savedIn } = await restore();
    expect(savedIn).not.to.equal(null);
    const copies = await treeOf(savedIn ?? '');
    expect(Object.values(copies))
      .to.include('file 600 0:0 old')
      .and.to.include('file 600 0:0 old file');
    for (const each of Object.values(copies)) expect(each).to.match(/^file 600 0:0 /);
    expect((await treeOf(folder.path))['/restore']).to.equal('folder 700 0:0');
  });

  it('leaves all other paths alone if some are named', async () => {
    await restore(['/etc/new', '/etc/link']);
    const changed = ['/etc/new', '/etc/new/deep', '/etc/new/deep/größe', '/etc/link'];
    const expected = {
      ...before,
      ...Object.fromEntries(changed.map((path) => [path, after[path]])),
    };
    expect(await tree()).to.deep.equal(expected);
  });

  it('changes and saves nothing if nothing differs', async () => {
    expect((await restore(['/etc/same'])).kept).to.equal(null);
    expect(await saved()).to.deep.equal([]);
  });

  it('does nothing if one byte of the liferaft is wrong', async () => {
    const file = join(bench.alphorn.liferafts, name);
    const bytes = await readFile(file);
    bytes[bytes.lastIndexOf('x')] = 0x79;
    await writeFile(file, bytes);
    // This is so even if the byte is not part of the requested paths.
    for (const paths of [undefined, ['/etc/content']]) {
      await faultOf('liferaft_damaged', restore(paths));
    }
    expect(await tree()).to.deep.equal(before);
    expect(await saved()).to.deep.equal([]);
  });

  it('never follows a link in the place of a folder, whatever the liferaft says', async () => {
    const root = bench.alphorn.root;
    await mkdir(join(folder.path, 'elsewhere'));
    await rename(join(root, 'etc'), join(root, 'moved'));
    await symlink(join(folder.path, 'elsewhere'), join(root, 'etc'));
    const { message } = await faultOf('restore_blocked', restore());
    expect(message).to.include('/etc/content: /etc is a folder in the liferaft');
    expect(await readdir(join(folder.path, 'elsewhere'))).to.deep.equal([]);
    expect(await saved()).to.deep.equal([]);
  });

  it('does nothing if one path is blocked, and restores the others if they are named', async () => {
    await rm(join(bench.alphorn.root, 'etc/content'));
    await mkdir(join(bench.alphorn.root, 'etc/content'));
    const blocked = await tree();
    await faultOf('restore_blocked', restore());
    expect(await tree()).to.deep.equal(blocked);
    await restore(['/etc/new', '/etc/link', '/etc/suid', '/etc/was-file', '/etc/was-link']);
    expect(await tree()).to.deep.equal({ ...after, '/etc/content': 'folder 755 0:0' });
  });

  it('does nothing for an unknown path or an unknown liferaft', async () => {
    await faultOf('path_not_in_liferaft', restore(['/etc/content', '/etc/nothing']));
    await faultOf('liferaft_not_found', restore(undefined, 'liferaft_00000000.tar'));
    await faultOf('liferaft_not_found', restore(undefined, '../root/etc/others'));
    expect(await tree()).to.deep.equal(before);
  });

  it('leaves everything as it was if the system refuses a change halfway', async () => {
    // A mount point cannot be renamed over.
    const mounted = join(folder.path, 'mounted');
    await writeFile(mounted, 'mounted');
    await run('mount', ['--bind', mounted, join(bench.alphorn.root, 'etc/content')]);
    const there = await tree();
    try {
      const { message } = await faultOf('restore_failed', restore());
      expect(message).to.match(/change \/etc\/content: EBUSY: [a-z ,]+\. Everything is as it was/);
      expect(await tree()).to.deep.equal(there);
      expect(await saved()).to.deep.equal([]);
    } finally {
      await run('umount', [join(bench.alphorn.root, 'etc/content')]);
    }
  });

  it('leaves everything as it was if there is no room for the content or the copies', async () => {
    for (const full of [bench.alphorn.restores, join(bench.alphorn.root, 'etc/new')]) {
      await mkdir(full, { recursive: true });
      await run('mount', ['-t', 'tmpfs', '-o', 'size=8k,mode=700', 'tmpfs', full]);
      try {
        // The saved copies take one page, and the restored files take 300 kB.
        const large = 'x'.repeat(40_000);
        await writeFile(join(bench.alphorn.root, 'etc/content'), large);
        const there = await tree();
        await faultOf('no_space', restore());
        expect(await tree()).to.deep.equal(there);
        expect(await saved()).to.deep.equal([]);
      } finally {
        await run('umount', [full]);
      }
    }
  });

  it('leaves no file open if a copy cannot be made', async () => {
    // On a tmpfs without free inodes, the file can be opened, but no copy can be made.
    await mkdir(bench.alphorn.restores, { recursive: true });
    const options = 'nr_inodes=4,mode=700';
    await run('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', bench.alphorn.restores]);
    const openFiles = async () => (await readdir('/proc/self/fd')).length;
    // Node.js closes forgotten files when it collects garbage, and warns about each.
    const warnings: string[] = [];
    const warned = ({ message }: Error) => warnings.push(message);
    process.on('warning', warned);
    try {
      await faultOf('no_space', restore());
      const before = await openFiles();
      for (let count = 0; count < 10; count += 1) await faultOf('no_space', restore());
      expect(await openFiles()).to.equal(before);
      expect(warnings).to.deep.equal([]);
    } finally {
      process.off('warning', warned);
      await run('umount', [bench.alphorn.restores]);
    }
  });

  it('stays in place until there is room for its undo', async () => {
    const etc = join(bench.alphorn.root, 'etc');
    await run('mount', ['-t', 'tmpfs', '-o', 'size=600k,mode=711', 'tmpfs', etc]);
    try {
      const large = 'x'.repeat(200_000);
      await growTree(bench.alphorn.root, { ...before, '/etc/content': `file 600 0:0 ${large}` });
      await restore(['/etc/content']);
      await writeFile(join(etc, 'filler'), 'x'.repeat(560_000));
      const full = await tree();
      await faultOf('no_space', undo());
      expect(await tree()).to.deep.equal(full);
      await rm(join(etc, 'filler'));
      await undo();
      expect((await tree())['/etc/content']).to.equal(`file 600 0:0 ${large}`);
    } finally {
      await run('umount', [etc]);
    }
  });

  it('changes nothing, and keeps the change of somebody else, if a file changes meanwhile', async () => {
    const store = openStore(bench.alphorn.liferafts, { keep: 5, maxBytes: 1024 ** 3 });
    const mine = () => writeFile(join(bench.alphorn.root, 'etc/was-file'), 'mine');
    const restorer = makeRestorer(bench.host, {
      async open(which) {
        const file = await store.open(which);
        return {
          ...file,
          // The former content is saved by then.
          async *content(item) {
            await mine();
            yield* file.content(item);
          },
        };
      },
    });
    const fault = faultOf(
      'changed_meanwhile',
      restorer.restore(bench.host, name, undefined, bench.warn),
    );
    expect((await fault).message).to.include('/etc/was-file');
    expect(await tree()).to.deep.equal({ ...before, '/etc/was-file': 'file 600 0:0 mine' });
    expect(await saved()).to.deep.equal([]);
  });

  describe('with files of Pacemaker', () => {
    const cib = '/var/lib/pacemaker/cib/cib.xml';
    beforeEach(async () => {
      name = await storeLiferaft(bench.alphorn.liferafts, {
        folders: Object.fromEntries(
          ['/etc', '/var', '/var/lib', '/var/lib/pacemaker', '/var/lib/pacemaker/cib'].map(
            (path) => [path, {}],
          ),
        ),
        files: { [cib]: '<cib/>', '/etc/content': 'new' },
      });
    });

    for (const state of ['active', 'activating', 'deactivating', 'reloading', '']) {
      it(`is refused, and its undo too, while Pacemaker is ${state === '' ? 'in an unknown state' : state}`, async () => {
        bench.pacemaker.activeState = state;
        await faultOf('pacemaker_running', restore());
        expect(await tree()).to.deep.equal(before);
        await restore(['/etc/content']);
        bench.pacemaker.activeState = 'inactive';
        await restore();
        bench.pacemaker.activeState = state;
        await faultOf('pacemaker_running', undo());
        expect((await tree())[cib]).to.equal('file 644 0:0 <cib/>');
      });
    }

    for (const state of ['inactive', 'failed']) {
      it(`is carried out if Pacemaker is ${state}`, async () => {
        bench.pacemaker.activeState = state;
        await restore();
        expect((await tree())[cib]).to.equal('file 644 0:0 <cib/>');
      });
    }
  });

  describe('with paths that others have changed since', () => {
    const changed = () => writeFile(join(bench.alphorn.root, 'etc/content'), 'changed');

    it('is not undone, not even in part', async () => {
      await restore();
      await changed();
      const there = await tree();
      const { message } = await faultOf('changed_since_restore', undo());
      expect(message).to.include('/etc/content').and.not.to.include('/etc/link');
      expect(await tree()).to.deep.equal(there);
    });

    it('is undone by force', async () => {
      await restore();
      await changed();
      await rm(join(bench.alphorn.root, 'etc/link'));
      await undo(true);
      expect(await tree()).to.deep.equal(before);
    });

    it('keeps what others have put into a folder that it created', async () => {
      await restore();
      await writeFile(join(bench.alphorn.root, 'etc/new/mine'), 'mine');
      await undo();
      expect(await tree()).to.deep.equal({
        ...before,
        '/etc/new': after['/etc/new'],
        '/etc/new/mine': 'file 644 0:6 mine',
      });
    });
  });

  describe('keeps what it replaced', () => {
    /** Restores repeatedly. Each restore replaces a file of this many bytes. */
    async function restoreOften(count: number, bytes = 10): Promise<void> {
      for (let index = 0; index < count; index += 1) {
        await writeFile(join(bench.alphorn.root, 'etc/content'), `${index}`.padEnd(bytes));
        await restore(['/etc/content']);
      }
    }
    const limits = { restores: 100, bytes: 1024 ** 3, days: 90 };

    it('for the configured number of latest restores', async () => {
      bench = restoreBench(folder.path, { ...limits, restores: 3 });
      await restoreOften(5);
      expect(await saved()).to.have.length(3);
      for (const index of [4, 3, 2]) {
        await undo();
        expect((await tree())['/etc/content']).to.match(new RegExp(` ${index} {9}$`));
        // Puts the restored content back for the next undo.
        await growTree(bench.alphorn.root, { '/etc/content': after['/etc/content'] ?? '' });
      }
      await faultOf('nothing_to_undo', undo());
      expect(bench.warnings).to.deep.equal([]);
    });

    it('for ten restores by default', async () => {
      await restoreOften(12);
      expect(await saved()).to.have.length(10);
    });

    it('up to a number of bytes, but always for the latest restore', async () => {
      bench = restoreBench(folder.path, { ...limits, bytes: 2500 });
      await restoreOften(5, 1000);
      expect(await saved()).to.have.length(2);
      await restoreOften(1, 5000);
      expect(await saved()).to.have.length(1);
      await undo();
      expect((await tree())['/etc/content']).to.have.length('file 640 0:0 '.length + 5000);
    });

    it('until it is too old, but always for the latest restore', async () => {
      const clock = sinon.useFakeTimers({ now: Date.now(), toFake: ['Date'] });
      try {
        await restoreOften(2);
        clock.tick(91 * 24 * 3600 * 1000);
        expect(await saved()).to.have.length(2);
        await restoreOften(1);
        // Nothing is removed yet, because the clock may be wrong.
        expect(await saved()).to.have.length(3);
        clock.tick(24 * 3600 * 1000);
        await restoreOften(1);
        expect(await saved()).to.have.length(2);
        expect(bench.journal.lines).to.have.length(2);
        expect(bench.journal.lines[0]).to.include('restore 1 (of ').and.to.include('90 days');
        clock.tick(91 * 24 * 3600 * 1000);
        // This restore finds nothing to change.
        await restore(['/etc/content']);
        await undo();
        expect((await tree())['/etc/content']).to.match(/ 0 {9}$/);
      } finally {
        clock.restore();
      }
    });

    it('for the latest restore by order, even if the clock was set back', async () => {
      const clock = sinon.useFakeTimers({ now: Date.now(), toFake: ['Date'] });
      try {
        bench = restoreBench(folder.path, { ...limits, restores: 1 });
        await restoreOften(1);
        clock.setSystemTime(Date.now() - 3_600_000);
        await restore(['/etc/link']);
        expect(await saved()).to.have.length(1);
        expect((await undo()).paths).to.deep.equal(['/etc/link']);
      } finally {
        clock.restore();
      }
    });

    it('until a line in the system journal has announced the deletion', async () => {
      bench = restoreBench(folder.path, { ...limits, restores: 1 });
      await restoreOften(1);
      bench.journal.exitCode = 1;
      await restoreOften(1);
      expect(await saved()).to.have.length(2);
      expect(bench.warnings.join()).to.include('restore 1 could not be announced in the journal');
      bench.journal.exitCode = 0;
      bench.journal.lines.splice(0);
      await restoreOften(1);
      expect(await saved()).to.have.length(1);
      expect(
        bench.journal.lines.map((line) => /^Dropping what restore (\d)/.exec(line)?.[1]),
      ).to.deep.equal(['1', '2']);
      expect(bench.journal.lines[0]).to.match(/1 paths, 10 bytes in .*, for there are 1 later/);
    });

    it('for a half-done or damaged restore, regardless of the limits', async () => {
      bench = restoreBench(folder.path, { restores: 1, bytes: 1, days: 90 });
      await restoreOften(1);
      const [first = ''] = await saved();
      await writeFile(join(bench.alphorn.restores, first, 'journal.json'), '{');
      await restoreOften(3);
      expect(await saved())
        .to.have.length(2)
        .and.to.include(first);
    });

    it('for a partly undone restore, regardless of the limits', async () => {
      bench = restoreBench(folder.path, { restores: 1, bytes: 1, days: 90 });
      await restoreOften(1);
      const [first = ''] = await saved();
      const place = join(bench.alphorn.restores, first);
      await rename(join(place, 'journal.json'), join(place, 'journal.partial.json'));
      await restoreOften(3);
      expect(await saved())
        .to.have.length(2)
        .and.to.include(first);
    });

    it('if the copies cannot be removed, and reports that', async () => {
      bench = restoreBench(folder.path, { ...limits, restores: 1 });
      await restoreOften(1);
      const [first = ''] = await saved();
      const place = join(bench.alphorn.restores, first);
      await run('mount', ['--bind', place, place]);
      try {
        await restoreOften(1);
        expect(bench.warnings).to.have.length(1);
        expect(bench.warnings[0]).to.include('could not be removed').and.to.include('EBUSY');
      } finally {
        await run('umount', [place]);
      }
      bench.warnings.splice(0);
      await restoreOften(1);
      expect(await saved()).to.have.length(1);
      expect(bench.warnings).to.deep.equal([]);
    });
  });

  it('is refused while another process restores, but not by the lock of a killed process', async () => {
    await mkdir(bench.alphorn.restores);
    const stat = await readFile('/proc/1/stat', 'utf8');
    const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    const lock = join(bench.alphorn.restores, `lock.1.${start}`);
    await writeFile(lock, '');
    await faultOf('restore_busy', restore());
    await faultOf('restore_busy', undo());
    expect(await tree()).to.deep.equal(before);
    await rename(lock, join(bench.alphorn.restores, 'lock.1.1'));
    await restore();
    expect(await tree()).to.deep.equal(after);
    expect(await readdir(bench.alphorn.restores)).to.deep.equal(
      ['counter', ...(await saved())].sort(),
    );
  });

  it('carries out only one of two that are requested at once', async () => {
    const both = await Promise.allSettled([restore(), restore()]);
    expect(both.map(({ status }) => status)).to.have.members(['fulfilled', 'rejected']);
    expect(await tree()).to.deep.equal(after);
  });
});
