import { lstat, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';
import sinon from 'sinon';

import { makeRestorer } from '../../../src/alphorn/restoring/restore.ts';
import { openStore } from '../../../src/alphorn/receiving/store.ts';
import { alphornCommand } from '../../../src/bin/hactl/alphorn.ts';
import { NotWell } from '../../../src/bin/hactl/failure.ts';
import type { Paths } from '../../../src/bin/wiring/paths.ts';
import { dieDuring } from '../../support/dying-calls.ts';
import { faultOf } from '../../support/faults.ts';
import { storeLiferaft } from '../../support/liferafts.ts';
import { growTree, savedRestores, treeOf } from '../../support/restore-bench.ts';
import { hactlEnvironment, hactlPaths } from '../../support/hactl-host.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const name = 'liferaft_1234abcd.tar';
const before = {
  '/etc': 'folder 755 0:0',
  '/etc/a': 'file 600 0:0 old a',
  '/etc/b': 'file 600 0:0 old b',
};

describe('hactl alphorn restores', () => {
  const folder = temporaryFolder();
  hactlEnvironment(folder);
  let paths: Paths;

  beforeEach(async () => {
    paths = hactlPaths(folder.path);
    const { root, restores, rules } = paths.alphorn;
    for (const each of [root, restores, rules]) await mkdir(each);
    await writeFile(join(rules, 'a.json'), '{"include": ["/etc"]}');
    await growTree(paths.alphorn.root, before);
    await storeLiferaft(paths.alphorn.liferafts, {
      files: { '/etc/a': 'new a', '/etc/b': 'new b' },
    });
  });

  /** @returns the printed lines, and those on the standard error output */
  async function both(...argv: string[]): Promise<{ out: string[]; warned: string[] }> {
    const [log, error] = [sinon.stub(console, 'log'), sinon.stub(console, 'error')];
    const lines = ({ args }: typeof log) => args.map(([line]) => String(line));
    try {
      await alphornCommand(paths)
        .parseAsync(argv, { from: 'user' })
        .catch((error: unknown) => {
          // A finding also prints its lines.
          if (!(error instanceof NotWell)) throw error;
        });
      return { out: lines(log), warned: lines(error) };
    } finally {
      log.restore();
      error.restore();
    }
  }
  const hactl = async (...argv: string[]) => (await both(...argv)).out;
  const json = async (...argv: string[]) =>
    JSON.parse((await hactl(...argv, '--json')).join('\n')) as Record<string, unknown>[];
  const tree = () => treeOf(paths.alphorn.root);

  /** Kills a restore when one of two paths is restored. @param root what it restores below */
  async function killRestore(root = paths.alphorn.root): Promise<void> {
    const host = {
      run: () => Promise.reject(new Error('not expected')),
      paths: { ...paths, alphorn: { ...paths.alphorn, root } },
      readDeadlineMs: 1000,
      changeDeadlineMs: 1000,
    };
    const { liferafts, restores } = paths.alphorn;
    const restorer = makeRestorer(host, openStore(liferafts, { keep: 1, maxBytes: 2 ** 20 }));
    const was = await treeOf(root);
    for (let number = 1; ; number += 1) {
      const restore = () => restorer.restore(host, name, undefined, () => undefined);
      expect(await dieDuring(number, restores, restore)).to.equal(true);
      const { '/etc/a': a, '/etc/b': b } = await treeOf(root);
      if (a !== was['/etc/a'] && b === was['/etc/b']) return;
      await restorer.undo(host, false, () => undefined).catch(() => undefined);
    }
  }

  it('lists restores, the oldest first', async () => {
    const head = /^RESTORE +STATE +AT +LIFERAFT +PATHS +BYTES +KEPT IN$/;
    expect(await hactl('restores')).to.have.length(1);
    await hactl('restore', name, '/etc/a');
    await hactl('restore', name);
    const [first, ...lines] = await hactl('restores');
    expect(first).to.match(head);
    expect(lines[0]).to.match(/^1 +done +20\S+Z +liferaft_1234abcd\.tar +1 +5 +\/.*\/00000001-/);
    expect(lines[1]).to.match(/^2 +done /);
    expect(await json('restores')).to.have.length(2);
    expect((await json('restores'))[0]).to.deep.include({
      id: '1',
      state: 'done',
      liferaft: name,
      host: { id: '1234abcd', name: 'lost' },
      generation: 1,
      paths: 1,
      bytes: 5,
    });
  });

  it('drops named restores with an audit record, and requires a name', async () => {
    await hactl('restore', name, '/etc/a');
    await hactl('restore', name, '/etc/b');
    await faultOf('invalid_request', hactl('restores', 'drop'));
    await faultOf('invalid_request', hactl('restores', 'drop', '1', '--all'));
    for (const wrong of ['3', '0', '', '..', '../restore', '1 ', '00000001'])
      await faultOf('restore_not_found', hactl('restores', 'drop', '2', wrong));
    expect(await savedRestores(paths.alphorn)).to.have.length(2);
    expect(await json('restores', 'drop', '2')).to.deep.equal(['2']);
    expect((await hactl('undo'))[0]).to.equal('/etc/a');
    expect((await tree())['/etc/b']).to.equal('file 644 0:0 new b');
    await hactl('restore', name, '/etc/a');
    expect(await hactl('restores', 'drop', '--all')).to.deep.equal(['3']);
    expect(await savedRestores(paths.alphorn)).to.deep.equal([]);
    const audit = await readFile(join(folder.path, 'state/audit.jsonl'), 'utf8');
    expect(audit).to.include('hactl alphorn restores drop 2').and.to.include('drop --all');
  });

  describe('after a restore was killed halfway', () => {
    beforeEach(() => killRestore());
    const said = /was killed half way: [^]* 'hactl alphorn undo' puts everything back/;

    it('reports the killed restore, as do status and diff', async () => {
      expect((await hactl('restores')).join('\n'))
        .to.match(/ half_restored /)
        .and.to.match(said);
      expect((await hactl('status')).join('\n')).to.match(said);
      const { unfinishedRestores } = (await json('status')) as unknown as {
        unfinishedRestores: unknown[];
      };
      expect(unfinishedRestores).to.have.length(1);
      expect((await both('diff', name)).warned.join()).to.match(said);
      expect((await both('restore', name, '--dry-run')).warned.join()).to.match(said);
      expect(await json('diff', name))
        .to.have.property('warnings')
        .with.length(1);

      const { warned, out } = await both('undo');
      expect(warned.join()).to.include('was killed before it had ended');
      expect(out.at(-1)).to.match(/^2 paths are as they were before /);
      expect(await tree()).to.deep.equal(before);
      expect((await hactl('status')).join('\n')).not.to.match(said);
      expect((await both('diff', name)).warned).to.deep.equal([]);
    });

    it('drops the killed restore only by force, and leaves its files as they are', async () => {
      const there = await tree();
      const [{ id } = {}] = await json('restores');
      for (const which of [String(id), '--all'])
        await faultOf('restore_half_done', hactl('restores', 'drop', which));
      await hactl('restores', 'drop', String(id), '--force');
      expect(await tree()).to.deep.equal(there);
      await faultOf('nothing_to_undo', hactl('undo'));
    });

    it('reports a restore as under way while a command works on it', async () => {
      const stats = await readFile('/proc/1/stat', 'utf8');
      const start = stats.slice(stats.lastIndexOf(')') + 2).split(' ')[19] ?? '';
      await writeFile(join(paths.alphorn.restores, `lock.1.${start}`), '');
      expect((await json('restores'))[0]).to.include({ state: 'under_way' });
      await faultOf('restore_busy', hactl('restores', 'drop', '--all', '--force'));
    });
  });

  describe('below another root', () => {
    let other: string;
    beforeEach(async () => {
      other = join(folder.path, 'other');
      await mkdir(other);
      await growTree(other, {
        ...before,
        '/etc/passwd': 'file 644 0:0 root:x:0:0::/:/\n',
        '/etc/group': 'file 644 0:0 root:x:0:\n',
      });
    });

    it('changes nothing on this host, neither on restore nor on undo', async () => {
      const was = await treeOf(other);
      await symlink('other', join(folder.path, 'link'));
      const link = join(folder.path, 'link');
      expect((await hactl('diff', name, '--root', link)).at(-1)).to.match(/^2 differ/);
      const { out } = await both('restore', name, '/etc/a', '--root', link);
      expect(out.join()).to.include('Restored 1 paths');
      expect((await treeOf(other))['/etc/a']).to.equal('file 644 0:0 new a');
      expect(await tree()).to.deep.equal(before);
      expect((await json('restores'))[0]).to.include({ root: other });
      expect((await hactl('undo')).at(-1)).to.include(`1 paths below ${other} are as they were`);
      expect(await treeOf(other)).to.deep.equal(was);
      const audit = await readFile(join(folder.path, 'state/audit.jsonl'), 'utf8');
      expect(audit).to.include(`hactl alphorn restore --root ${link} ${name} /etc/a`);
    });

    it('undoes the restore there before the earlier one on this host', async () => {
      await hactl('restore', name);
      await hactl('restore', name, '--root', other);
      await hactl('undo');
      expect((await treeOf(other))['/etc/a']).to.equal(before['/etc/a']);
      await hactl('undo');
      expect(await tree()).to.deep.equal(before);
    });

    it('keeps the saved copies while that root is missing', async () => {
      await hactl('restore', name, '--root', other);
      await rename(other, `${other}.moved`);
      for (const flags of [[], ['--force']])
        await faultOf('restore_failed', hactl('undo', ...flags));
      const [first = ''] = await savedRestores(paths.alphorn);
      expect(await readdir(join(paths.alphorn.restores, first))).to.include.members(['0', '1']);
    });

    describe('whose disk is not mounted', () => {
      const files = () => Promise.all(['a', 'b'].map((each) => hasFile(join(other, 'etc', each))));
      const hasFile = (path: string) =>
        lstat(path).then(
          () => true,
          () => false,
        );

      async function unmount(): Promise<void> {
        await rename(other, `${other}.disk`);
        await mkdir(other);
      }

      async function mountAgain(): Promise<void> {
        await rm(other, { recursive: true });
        await rename(`${other}.disk`, other);
      }

      it('refuses to undo into the empty mount point, and keeps the copies for the disk', async () => {
        const was = await treeOf(other);
        await hactl('restore', name, '--root', other);
        await unmount();
        for (const flags of [[], ['--force']]) {
          const { message } = await faultOf('restore_failed', hactl('undo', ...flags));
          expect(message).to.include(`Mount the right one at ${other}`);
        }
        expect(await readdir(other)).to.deep.equal([]);
        await mountAgain();
        await hactl('undo');
        expect(await treeOf(other)).to.deep.equal(was);
      });

      it('does not claim an undo, even if all restored paths were missing before', async () => {
        for (const each of ['a', 'b']) await rm(join(other, 'etc', each));
        await hactl('restore', name, '--root', other);
        await unmount();
        await faultOf('restore_failed', hactl('undo'));
        await mountAgain();
        expect(await files()).to.deep.equal([true, true]);
        await hactl('undo');
        expect(await files()).to.deep.equal([false, false]);
      });

      it('keeps a killed restore as half done, and the next restore on this host still works', async () => {
        for (const each of ['a', 'b']) await rm(join(other, 'etc', each));
        const was = await treeOf(other);
        await killRestore(other);
        await unmount();
        const { warned } = await both('restore', name);
        expect(warned.join()).to.include(`Mount the right one at ${other}`);
        await hactl('undo');
        expect(await json('restores')).to.have.length(1);
        await mountAgain();
        await hactl('undo');
        expect(await treeOf(other)).to.deep.equal(was);
      });
    });

    it('refuses a restore if that root is not a folder', async () => {
      for (const wrong of ['nowhere', 'passwd', ''].map((each) => join(folder.path, each, 'x')))
        await faultOf('invalid_request', hactl('restore', name, '--root', wrong));
    });
  });

  it('warns only if a liferaft is from another host', async () => {
    const machineId = join(folder.path, 'machine-id');
    paths = {
      ...paths,
      alphorn: { ...paths.alphorn, hostId: join(folder.path, 'hostid'), machineId },
    };
    await writeFile(machineId, `${'0'.repeat(32)}\n`);
    const said = /belongs to another host, 1234abcd \(lost\); this one has the id [0-9a-f]{8}\./;
    expect((await both('diff', name)).warned.join()).to.match(said);
    expect((await both('restore', name, '--dry-run')).warned.join()).to.match(said);
    expect((await both('restore', name)).warned.join()).to.match(said);
    // The byte order is that of gethostid(3).
    await writeFile(join(folder.path, 'hostid'), Buffer.from('cdab3412', 'hex'));
    await hactl('undo');
    expect((await both('restore', name)).warned).to.deep.equal([]);
    expect((await both('diff', name)).warned).to.deep.equal([]);
  });
});
