import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { makeAttributeStore } from '../../../../src/alphorn/format/attributes.ts';
import { dieDuring } from '../../../support/dying-calls.ts';
import { faultOf } from '../../../support/faults.ts';
import { storeLiferaft } from '../../../support/liferafts.ts';
import {
  growTree,
  type RestoreBench,
  restoreBench,
  restoreBenchWith,
  type Tree,
  treeOf,
} from '../../../support/restore-bench.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const acl = {
  user: 7,
  users: [{ id: 9, name: null, perms: 5 }],
  group: 0,
  groups: [],
  mask: 5,
  other: 0,
};

const before: Tree = {
  '/etc': 'folder 711 0:0',
  '/etc/d': 'folder 2750 3:4',
  '/etc/d/a': 'file 600 0:0 old',
  '/etc/same': 'folder 755 0:0',
};
const content = {
  folders: {
    '/etc': {},
    '/etc/d': { mode: 0o750, uid: 5, user: null, acl, defaultAcl: acl },
    '/etc/empty': { mode: 0o1777, gid: 6, group: null },
    '/etc/same': {},
  },
  files: { '/etc/d/a': { content: 'new', mode: 0o600 }, '/etc/same/b': 'B' },
};

describe('folders that exist before a restore', () => {
  const folder = temporaryFolder();
  let bench: RestoreBench;
  let name: string;

  beforeEach(async () => {
    ({ bench, name } = await restoreBenchWith(folder.path, before, content));
  });

  const tree = () => treeOf(bench.alphorn.root);
  const restore = (folders: boolean, paths?: readonly string[]) =>
    bench.restorer.restore(bench.host, name, paths, bench.warn, { folders });
  const undo = (force = false) => bench.restorer.undo(bench.host, force, bench.warn);
  const lists = () => makeAttributeStore(bench.alphorn.root).read(['/etc/d', '/etc/d/a']);

  it('are reported with their modes, owners and lists, and stay as they are', async () => {
    const { folders, differences } = await bench.restorer.diff(name);
    expect(folders).to.deep.equal([
      {
        path: '/etc',
        changes: ['mode'],
        here: { kind: 'folder', mode: '0711', owner: '0:0' },
        liferaft: { kind: 'folder', mode: '0755', owner: '0:0' },
      },
      {
        path: '/etc/d',
        changes: ['mode', 'acl', 'owner'],
        here: { kind: 'folder', mode: '2750', owner: '3:4' },
        liferaft: {
          kind: 'folder',
          mode: '0750',
          owner: '5:0',
          acl: 'user:9:r-x,group::--- default:user:9:r-x,group::---',
        },
      },
    ]);
    expect(differences.map(({ path }) => path)).to.deep.equal([
      '/etc/empty',
      '/etc/d/a',
      '/etc/same/b',
    ]);
    await restore(false);
    expect(await tree()).to.include({ '/etc': 'folder 711 0:0', '/etc/d': 'folder 2750 3:4' });
    expect((await lists()).size).to.equal(0);
  });

  it('get the modes, owners and lists of the liferaft on request, and an undo reverts that', async () => {
    const { differences, folders } = await restore(true);
    expect(folders).to.deep.equal([]);
    expect(differences.map(({ path }) => path)).to.include.members(['/etc', '/etc/d']);
    expect(await tree()).to.include({ '/etc': 'folder 755 0:0', '/etc/d': 'folder 750 5:0' });
    expect((await lists()).get('/etc/d')?.defaultAcl).to.be.a('string');
    expect((await lists()).has('/etc/d/a')).to.equal(false);
    const after = await bench.restorer.diff(name);
    expect([...after.folders, ...after.differences]).to.deep.equal([]);
    await undo();
    expect(await tree()).to.deep.equal(before);
    expect((await lists()).size).to.equal(0);
  });

  it('are as they were after an undo, wherever the restore or its undo was killed', async () => {
    // With this list alone, the mode is neither the former nor the restored one.
    const wider = { ...acl, mask: 7 };
    const folders = { ...content.folders, '/etc/d': { mode: 0o770, acl: wider } };
    name = await storeLiferaft(bench.alphorn.liferafts, { ...content, folders });
    const { restores } = bench.alphorn;
    await mkdir(restores);
    const change = () => restore(true, ['/etc/d']);
    const nothing = () => Promise.resolve();
    for (const [ready, killed] of [[nothing, change] as const, [change, undo] as const]) {
      for (let number = 1; ; number += 1) {
        await ready();
        if (!(await dieDuring(number, restores, () => killed()))) break;
        if ((await bench.restorer.listSaved()).length > 0) await undo();
        expect(await tree(), `call ${number}`).to.deep.equal(before);
        expect((await lists()).size, `call ${number}`).to.equal(0);
      }
      if (killed === change) await undo();
    }
  });

  it('are changed even if nothing else differs', async () => {
    await restore(false);
    expect((await restore(true)).kept).to.be.a('string');
    expect(await tree()).to.include({ '/etc': 'folder 755 0:0' });
    await undo();
    expect(await tree()).to.include({ '/etc': 'folder 711 0:0' });
  });

  it('are changed if they are named, but not if they only lead to a named path', async () => {
    await restore(true, ['/etc/d']);
    expect(await tree()).to.include({ '/etc': 'folder 711 0:0', '/etc/d': 'folder 750 5:0' });
    await restore(true, ['/etc/empty']);
    expect(await tree()).to.include({ '/etc/empty': 'folder 1777 0:6' });
  });

  it('stay if others have changed one since, and an undo reports that and does nothing', async () => {
    await restore(true);
    await chmod(join(bench.alphorn.root, 'etc'), 0o700);
    const there = await tree();
    const { message } = await faultOf('changed_since_restore', undo());
    expect(message).to.match(/^\/etc$/m);
    expect(await tree()).to.deep.equal(there);
  });

  it('are created again by an undo by force if others have removed them', async () => {
    const list = (await bench.restorer.diff(name)).folders.map(({ path }) => path);
    expect(list).to.include('/etc/d');
    await restore(true);
    await rm(join(bench.alphorn.root, 'etc/d'), { recursive: true });
    await faultOf('changed_since_restore', undo());
    await undo(true);
    expect(await tree()).to.deep.equal(before);
  });

  it('stay recorded while a link is in their place', async () => {
    await restore(true);
    await rename(join(bench.alphorn.root, 'etc/d'), join(bench.alphorn.root, 'etc/moved'));
    await symlink('moved', join(bench.alphorn.root, 'etc/d'));
    const { message } = await faultOf('restore_failed', undo(true));
    expect(message).to.match(/^\/etc\/d: it is a link or a file now/m);
    await rm(join(bench.alphorn.root, 'etc/d'));
    await rename(join(bench.alphorn.root, 'etc/moved'), join(bench.alphorn.root, 'etc/d'));
    await undo();
    expect(await tree()).to.deep.equal(before);
  });

  it('are put back by an undo by force, whatever others changed', async () => {
    await restore(true);
    await chmod(join(bench.alphorn.root, 'etc'), 0o700);
    await undo(true);
    expect(await tree()).to.deep.equal(before);
  });
});

describe('an empty folder of a liferaft', () => {
  const folder = temporaryFolder();
  let bench: RestoreBench;
  beforeEach(async () => {
    bench = restoreBench(folder.path);
    await mkdir(join(bench.alphorn.root, 'etc'), { recursive: true });
  });
  const store = (folders: object) =>
    storeLiferaft(bench.alphorn.liferafts, { folders: { '/etc': {}, ...folders }, files: {} });
  const restore = (name: string) => bench.restorer.restore(bench.host, name, undefined, bench.warn);

  it('is made, and removed by an undo', async () => {
    await restore(await store({ '/etc/a': {}, '/etc/a/b': { mode: 0o700 } }));
    expect((await treeOf(bench.alphorn.root))['/etc/a/b']).to.equal('folder 700 0:0');
    await bench.restorer.undo(bench.host, false, bench.warn);
    expect(await treeOf(bench.alphorn.root)).to.deep.equal({ '/etc': 'folder 755 0:0' });
  });

  it('blocks a restore if a file or link is in its place, or if nothing is restored there', async () => {
    await writeFile(join(bench.alphorn.root, 'etc/a'), '');
    await symlink('/tmp', join(bench.alphorn.root, 'etc/l'));
    for (const path of ['/etc/a', '/etc/l', '/usr/a']) {
      const { message } = await faultOf('restore_blocked', restore(await store({ [path]: {} })));
      expect(message).to.include(`${path}: `);
    }
  });
});

describe('a path that exists only on this host', () => {
  const folder = temporaryFolder();
  let bench: RestoreBench;
  let name: string;

  beforeEach(async () => {
    bench = restoreBench(folder.path);
    bench.alphorn.rules = join(folder.path, 'rules');
    await mkdir(bench.alphorn.rules);
    await mkdir(bench.alphorn.root);
    await growTree(bench.alphorn.root, {
      '/etc/samba': 'folder 755 0:0',
      '/etc/samba/smb.conf': 'file 644 0:0 here',
      '/etc/samba/local.conf': 'file 644 0:0 x',
      '/etc/samba/local.conf~': 'file 644 0:0 x',
      '/etc/samba/deep': 'folder 755 0:0',
      '/etc/samba/link': 'link 0:0 x',
      '/etc/other': 'file 644 0:0 x',
      '/etc/ssh_host_a': 'file 644 0:0 x',
    });
    name = await storeLiferaft(bench.alphorn.liferafts, {
      files: { '/etc/samba/smb.conf': 'lost' },
    });
  });
  const rules = (text: string) => writeFile(join(bench.alphorn.rules, 'a.json'), text);

  it('is reported if the rules include it, and stays', async () => {
    await rules('{"include": ["/etc/samba", "/etc/ssh_host_*"], "exclude": ["/**/*~"]}');
    const expected = [
      '/etc/samba/deep',
      '/etc/samba/link',
      '/etc/samba/local.conf',
      '/etc/ssh_host_a',
    ];
    expect(await bench.restorer.diff(name)).to.deep.include({
      onlyHere: expected,
      onlyHereMore: 0,
    });
    const some = await bench.restorer.diff(name, ['/etc/samba']);
    expect(some.onlyHere).to.deep.equal(expected.slice(0, 3));
    await bench.restorer.restore(bench.host, name, undefined, bench.warn);
    expect(await treeOf(bench.alphorn.root)).to.include.keys(expected);
  });

  it('is unknown if the rules are wrong', async () => {
    await rules('{');
    expect((await bench.restorer.diff(name)).onlyHere).to.equal(null);
  });

  it('is one of at most a thousand that are listed', async () => {
    await rules('{"include": ["/etc/samba"]}');
    for (let index = 0; index < 1100; index += 1) {
      await writeFile(join(bench.alphorn.root, `etc/samba/x${index}`), '');
    }
    const { onlyHere, onlyHereMore } = await bench.restorer.diff(name);
    expect([onlyHere?.length, onlyHereMore]).to.deep.equal([1000, 104]);
  });
});
