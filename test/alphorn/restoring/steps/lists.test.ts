import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { makeAttributeStore } from '../../../../src/alphorn/format/attributes.ts';
import { makeRestorer } from '../../../../src/alphorn/restoring/restore.ts';
import { openStore } from '../../../../src/alphorn/receiving/store.ts';
import { makeRun, type Run } from '../../../../src/kit/exec.ts';
import { makeLog } from '../../../../src/kit/log.ts';
import { type Acl, decodeAcl, encodeAcl } from '../../../../src/parsers/posix-acl.ts';
import { faultOf } from '../../../support/faults.ts';
import { storeLiferaft } from '../../../support/liferafts.ts';
import {
  growTree,
  type RestoreBench,
  restoreBench,
  type Tree,
  treeOf,
} from '../../../support/restore-bench.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const smith = { id: 99, name: 'smith', perms: 4 };
const list = { user: 6, users: [smith], group: 0, groups: [], mask: 6, other: 0 };
const folderList = { ...list, user: 7, mask: 5 };
const hexOf = (acl: Acl) => encodeAcl(acl).toString('hex');

const before: Tree = {
  '/etc': 'folder 755 0:0',
  '/etc/passwd': 'file 644 0:0 root:x:0:0::/:/\nsmith:x:7:7::/:/\n',
  '/etc/group': 'file 644 0:0 root:x:0:\n',
};

describe('a restore of access control lists', () => {
  const folder = temporaryFolder();
  let bench: RestoreBench;
  const attributes = () => makeAttributeStore(bench.alphorn.root);
  const listOf = async (path: string) => {
    const found = (await attributes().read([path])).get(path);
    return found?.acl == null ? undefined : decodeAcl(Buffer.from(found.acl, 'hex'));
  };
  const restore = (name: string) => bench.restorer.restore(bench.host, name, undefined, bench.warn);
  const store = (content: Parameters<typeof storeLiferaft>[1]) =>
    storeLiferaft(bench.alphorn.liferafts, content);

  beforeEach(async () => {
    bench = restoreBench(folder.path);
    await mkdir(bench.alphorn.root);
    await growTree(bench.alphorn.root, before);
  });

  it('sets them on files and folders, by the names that this host has', async () => {
    const name = await store({
      folders: { '/etc': {}, '/etc/d': { mode: 0o750, acl: folderList, defaultAcl: list } },
      files: { '/etc/d/a': { content: 'secret', mode: 0o660, acl: list }, '/etc/d/plain': 'A' },
    });
    await restore(name);
    const tree = await treeOf(bench.alphorn.root);
    expect(tree['/etc/d/a']).to.equal('file 660 0:0 secret');
    expect(tree['/etc/d']).to.equal('folder 750 0:0');
    const here = [{ id: 7, perms: 4 }];
    expect(await listOf('/etc/d/a')).to.deep.equal({ ...list, users: here });
    expect(await listOf('/etc/d')).to.deep.equal({ ...folderList, users: here });
    // The default list of its folder does not apply to it.
    expect(await listOf('/etc/d/plain')).to.equal(undefined);
    expect((await bench.restorer.diff(name)).differences).to.deep.equal([]);
  });

  it('gives each number one entry, that of the name known here, and reports the other', async () => {
    const users = [
      { id: 7, name: 'jones', perms: 6 },
      { id: 9, name: 'smith', perms: 4 },
    ];
    const name = await store({
      files: { '/etc/a': { content: 'a', mode: 0o660, acl: { ...list, users } } },
    });
    const [difference] = (await restore(name)).differences;
    expect(difference?.lost).to.match(
      /^An entry of its access control list: its user or group has no name here/,
    );
    const found = (await attributes().read(['/etc/a'])).get('/etc/a');
    const one = { ...list, users: [{ id: 7, perms: 4 }] };
    expect(found?.acl).to.equal(hexOf(one));
    expect((await bench.restorer.diff(name)).differences).to.deep.equal([]);
  });

  it('does not apply the default list of an existing folder to restored files', async () => {
    await attributes().write([{ path: '/etc', acl: null, defaultAcl: hexOf(list) }]);
    const name = await store({
      folders: { '/etc': {}, '/etc/new': { mode: 0o700 } },
      files: {
        '/etc/a': { content: 'A', mode: 0o640 },
        '/etc/new/b': { content: 'B', mode: 0o640 },
      },
    });
    await restore(name);
    expect((await attributes().read(['/etc/a', '/etc/new', '/etc/new/b'])).size).to.equal(0);
    const tree = await treeOf(bench.alphorn.root);
    expect(tree['/etc/a']).to.equal('file 640 0:0 A');
    expect(tree['/etc/new']).to.equal('folder 700 0:0');
  });

  it('reports their differences, and an undo puts back the former lists', async () => {
    await growTree(bench.alphorn.root, {
      '/etc/a': 'file 660 0:0 A',
      '/etc/b': 'file 660 0:0 B',
    });
    const former = { ...list, users: [{ id: 42, perms: 6 }] };
    await attributes().write([{ path: '/etc/a', acl: hexOf(former) }]);
    const name = await store({
      files: {
        '/etc/a': { content: 'A', mode: 0o660 },
        '/etc/b': { content: 'B', mode: 0o660, acl: list },
      },
    });
    const { differences } = await bench.restorer.diff(name);
    expect(
      differences.map(({ path, changes, here, liferaft }) => [
        path,
        changes,
        here?.acl,
        liferaft.acl,
      ]),
    ).to.deep.equal([
      ['/etc/a', ['acl'], 'user:42:rw-,group::---', undefined],
      ['/etc/b', ['acl'], undefined, 'user:smith:r--,group::---'],
    ]);
    await restore(name);
    expect(await listOf('/etc/a')).to.equal(undefined);
    expect((await listOf('/etc/b'))?.users).to.deep.equal([{ id: 7, perms: 4 }]);
    await bench.restorer.undo(bench.host, false, bench.warn);
    expect((await listOf('/etc/a'))?.users).to.deep.equal([{ id: 42, perms: 6 }]);
    expect(await listOf('/etc/b')).to.equal(undefined);
  });

  it('is undone over a list that others have changed only by force, which saves that list', async () => {
    await growTree(bench.alphorn.root, { '/etc/a': 'file 660 0:0 A' });
    const name = await store({ files: { '/etc/a': { content: 'A', mode: 0o660, acl: list } } });
    await restore(name);
    const changed = { ...list, users: [{ id: 7, perms: 6 }], group: 4 };
    await attributes().write([{ path: '/etc/a', acl: hexOf(changed) }]);
    await faultOf('changed_since_restore', bench.restorer.undo(bench.host, false, bench.warn));
    expect(await listOf('/etc/a')).to.deep.equal(changed);
    await bench.restorer.undo(bench.host, true, bench.warn);
    expect(await listOf('/etc/a')).to.equal(undefined);
    expect((await treeOf(bench.alphorn.root))['/etc/a']).to.equal('file 660 0:0 A');
    expect(await bench.restorer.listSaved()).to.have.length(1);
  });

  it('includes the list of a folder that was removed and is created again', async () => {
    await growTree(bench.alphorn.root, {
      '/etc/d': 'folder 750 0:0',
      '/etc/d/a': 'file 660 0:0 A',
    });
    const lists = { acl: hexOf({ ...folderList, users: [{ id: 7, perms: 5 }] }), defaultAcl: null };
    await attributes().write([{ path: '/etc/d', ...lists }]);
    const name = await store({ files: { '/etc/d/a': 'B' } });
    await restore(name);
    await rm(join(bench.alphorn.root, 'etc/d'), { recursive: true });
    await bench.restorer.undo(bench.host, true, bench.warn);
    expect((await listOf('/etc/d'))?.users).to.deep.equal([{ id: 7, perms: 5 }]);
    expect((await treeOf(bench.alphorn.root))['/etc/d/a']).to.equal('file 660 0:0 A');
  });

  it('gives the group only its own bits if the file system has no lists, and reports that', async () => {
    const run: Run = async (command) => {
      const outcome = await makeRun(makeLog('silent'))(command);
      if (command.argv[0] !== 'perl' || command.argv[2] !== 'read') return outcome;
      return { ...outcome, stdout: outcome.stdout.replace(/^$/gm, '-').replace(/-$/, '') };
    };
    const name = await store({
      files: { '/etc/a': { content: 'A', mode: 0o660, acl: list } },
    });
    const liferafts = openStore(bench.alphorn.liferafts, { keep: 5, maxBytes: 1024 ** 2 });
    const restorer = makeRestorer(bench.host, liferafts, undefined, run);
    const { differences } = await restorer.restore(bench.host, name, undefined, bench.warn);
    expect(differences[0]?.lost).to.match(/^Its access control list: the file system here/);
    expect((await treeOf(bench.alphorn.root))['/etc/a']).to.equal('file 600 0:0 A');
  });
});
