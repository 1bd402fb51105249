import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { faultOf } from '../../../support/faults.ts';
import { type Described, storeLiferaft } from '../../../support/liferafts.ts';
import { growTree, restoreBench, type Tree } from '../../../support/restore-bench.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const etc = { '/etc': {} };

describe('a liferaft compared with a host', () => {
  const folder = temporaryFolder();

  async function diffOf(content: Described, host: Tree, paths?: readonly string[]) {
    const { restorer, alphorn } = restoreBench(folder.path);
    await mkdir(alphorn.root);
    await growTree(alphorn.root, host);
    return restorer.diff(await storeLiferaft(alphorn.liferafts, content), paths);
  }

  const cases: readonly {
    what: string;
    content: Described;
    host: Tree;
    changes: Readonly<Record<string, readonly string[]>>;
  }[] = [
    {
      what: 'has no differences if all paths are the same',
      content: {
        folders: etc,
        files: { '/etc/a': { content: 'A', mode: 0o640 } },
        links: { '/etc/l': { target: '../x' } },
      },
      host: {
        '/etc': 'folder 755 0:0',
        '/etc/a': 'file 640 0:0 A',
        '/etc/l': 'link 0:0 ../x',
      },
      changes: {},
    },
    {
      what: 'shows missing paths, including folders',
      content: {
        folders: { '/etc': {}, '/etc/x': {} },
        files: { '/etc/x/a': 'A' },
        links: { '/etc/l': { target: 'x' } },
      },
      host: { '/etc': 'folder 755 0:0' },
      changes: { '/etc/x': ['create'], '/etc/l': ['create'], '/etc/x/a': ['create'] },
    },
    {
      what: 'shows differences in content, mode and owner, even at the same length',
      content: {
        folders: etc,
        files: {
          '/etc/content': 'A',
          '/etc/longer': 'AA',
          '/etc/mode': { content: 'A', mode: 0o4755 },
          '/etc/owner': { content: 'A', uid: 7, user: null },
          '/etc/group': { content: 'A', gid: 7, group: null },
        },
      },
      host: {
        '/etc/content': 'file 644 0:0 B',
        '/etc/longer': 'file 644 0:0 A',
        '/etc/mode': 'file 755 0:0 A',
        '/etc/owner': 'file 644 0:0 A',
        '/etc/group': 'file 644 0:0 A',
      },
      changes: {
        '/etc/content': ['content'],
        '/etc/longer': ['content'],
        '/etc/mode': ['mode'],
        '/etc/owner': ['owner'],
        '/etc/group': ['owner'],
      },
    },
    {
      what: 'shows a changed target or owner of a link',
      content: {
        folders: etc,
        files: {},
        links: { '/etc/l': { target: 'new' }, '/etc/m': { target: 'm', gid: 3, group: null } },
      },
      host: { '/etc/l': 'link 0:0 old', '/etc/m': 'link 0:0 m' },
      changes: { '/etc/l': ['target'], '/etc/m': ['owner'] },
    },
    {
      what: 'shows the replacement of a link by a file, and of a file by a link',
      content: {
        folders: etc,
        files: { '/etc/a': 'A' },
        links: { '/etc/l': 'a' },
      },
      host: { '/etc/a': 'link 0:0 b', '/etc/l': 'file 644 0:0 A' },
      changes: { '/etc/a': ['replace'], '/etc/l': ['replace'] },
    },
    {
      what: 'shows no change for an existing folder',
      content: {
        folders: { '/etc': { mode: 0o700, uid: 5 } },
        files: { '/etc/a': 'A' },
      },
      host: { '/etc': 'folder 755 0:0', '/etc/a': 'file 644 0:0 A' },
      changes: {},
    },
  ];
  for (const { what, content, host, changes } of cases) {
    it(what, async () => {
      const { differences, same } = await diffOf(content, host);
      expect(
        Object.fromEntries(differences.map((each) => [each.path, each.changes])),
      ).to.deep.equal(changes);
      const paths = [content.folders, content.files, content.links].flatMap((each) =>
        Object.keys(each ?? {}),
      );
      expect(same).to.equal(paths.length - Object.keys(changes).length);
      for (const each of differences) expect(each, each.path).not.to.have.property('blocked');
    });
  }

  it('describes both sides', async () => {
    const { differences } = await diffOf(
      {
        folders: etc,
        files: { '/etc/a': { content: 'AA', mode: 0o600, uid: 99, user: 'smith' } },
        links: { '/etc/l': { target: 'new' } },
      },
      {
        '/etc/passwd': 'file 644 0:0 root:x:0:0::/:/\nsmith:x:7:7::/:/\n',
        '/etc/group': 'file 644 0:0 root:x:0:\n',
        '/etc/a': 'file 4755 8:8 A',
      },
    );
    expect(differences).to.deep.equal([
      {
        path: '/etc/a',
        changes: ['content', 'mode', 'owner'],
        here: { kind: 'file', mode: '4755', owner: '8:8', size: 1 },
        liferaft: { kind: 'file', mode: '0600', owner: 'smith:root', size: 2 },
      },
      {
        path: '/etc/l',
        changes: ['create'],
        here: null,
        liferaft: { kind: 'link', owner: 'root:root', target: 'new' },
      },
    ]);
  });

  it('uses the names of owners, which may have other numbers on another host', async () => {
    const content = {
      folders: etc,
      files: { '/etc/a': { content: 'A', uid: 99, user: 'smith', gid: 98, group: 'smiths' } },
    };
    const host = {
      '/etc/passwd': 'file 644 0:0 smith:x:7:7::/:/\n',
      '/etc/group': 'file 644 0:0 smiths:x:8:\n',
      '/etc/a': 'file 644 7:8 A',
    };
    expect((await diffOf(content, host)).differences).to.deep.equal([]);
  });

  it('uses the numbers of owners if the list of names itself is restored', async () => {
    const content = {
      folders: etc,
      files: {
        '/etc/a': { content: 'A', uid: 99, user: 'smith', gid: 98, group: 'smiths' },
        '/etc/passwd': 'smith:x:99:98::/:/\n',
      },
    };
    const host = {
      '/etc/passwd': 'file 644 0:0 smith:x:7:7::/:/\n',
      '/etc/group': 'file 644 0:0 smiths:x:8:\n',
      '/etc/a': 'file 644 99:8 A',
    };
    const { differences } = await diffOf(content, host);
    expect(differences.map(({ path }) => path)).to.deep.equal(['/etc/passwd']);
  });

  it('can be compared in part: paths, and folders with everything in them', async () => {
    const content = {
      folders: { '/etc': {}, '/etc/x': {}, '/var': {} },
      files: {
        '/etc/x/a': 'A',
        '/etc/x/b': 'A',
        '/etc/xx': 'A',
        '/var/v': 'A',
      },
    };
    const { restorer, alphorn } = restoreBench(folder.path);
    await mkdir(alphorn.root);
    const name = await storeLiferaft(alphorn.liferafts, content);
    const pathsOf = async (...paths: string[]) =>
      (await restorer.diff(name, paths)).differences.map(({ path }) => path);
    expect(await pathsOf('/etc/x')).to.deep.equal(['/etc', '/etc/x', '/etc/x/a', '/etc/x/b']);
    expect(await pathsOf('/etc/xx', '/var/v')).to.deep.equal(['/etc', '/var', '/etc/xx', '/var/v']);
    expect(await pathsOf('/etc/x', '/etc/x/a')).to.have.length(4);
    for (const path of ['/etc/', '/etc/y', '/et', '/etc/x/a/b', '', '/']) {
      await faultOf('path_not_in_liferaft', restorer.diff(name, ['/var/v', path]));
    }
  });

  describe('has paths that cannot be restored:', () => {
    async function blockOf(content: Described, host: Tree, path: string): Promise<string> {
      const { differences } = await diffOf(content, host);
      return differences.find((each) => each.path === path)?.blocked ?? '';
    }

    it('through a folder that is a link on the host', async () => {
      await mkdir(join(folder.path, 'elsewhere'));
      await writeFile(join(folder.path, 'elsewhere/a'), 'A');
      const host = { '/etc': `link 0:0 ${join(folder.path, 'elsewhere')}` };
      const content = { folders: etc, files: { '/etc/a': 'A' } };
      expect(await blockOf(content, host, '/etc/a')).to.match(/^\/etc is a folder in the liferaft/);
    });

    it('through a folder that is a file on the host', async () => {
      const content = { folders: { '/var': {} }, files: { '/var/a': 'A' } };
      expect(await blockOf(content, { '/var': 'file 644 0:0 x' }, '/var/a')).to.match(/^\/var is/);
    });

    it('into a folder that is missing and that the liferaft does not have', async () => {
      const content = { folders: etc, files: { '/etc/x/y/a': 'A' } };
      expect(await blockOf(content, {}, '/etc/x/y/a')).to.match(/^The folder \/etc\/x is missing/);
    });

    it('in the place of a folder', async () => {
      const content = { folders: etc, files: { '/etc/a': 'A' } };
      expect(await blockOf(content, { '/etc/a': 'folder 755 0:0' }, '/etc/a')).to.match(/a folder/);
    });

    it('in the place of a link whose target is unknown', async () => {
      const { restorer, alphorn } = restoreBench(folder.path);
      await mkdir(join(alphorn.root, 'etc'), { recursive: true });
      await symlink(Buffer.from([0xff, 0xfe]), join(alphorn.root, 'etc/l'));
      const name = await storeLiferaft(alphorn.liferafts, {
        folders: etc,
        files: {},
        links: { '/etc/l': 'a' },
      });
      const [difference] = (await restorer.diff(name)).differences;
      expect(difference?.blocked).to.match(/stays/);
    });

    for (const path of [
      '/usr/bin/a',
      '/boot/a',
      '/lib/systemd/a',
      '/sbin/a',
      '/proc/a',
      '/dev/a',
      '/run/a',
      '/tmp/a',
      '/var/tmp/a',
    ]) {
      it(`at ${path}`, async () => {
        const content = { folders: {}, files: { [path]: 'A' } };
        expect(await blockOf(content, {}, path)).to.match(/is never restored/);
      });
    }

    it('over what Alphorn itself stores', async () => {
      const { alphorn } = restoreBench(folder.path);
      const path = join(alphorn.own, 'x');
      const content = { files: { [path]: 'A' } };
      expect(await blockOf(content, {}, path)).to.equal(
        `What is in ${alphorn.own} is never restored.`,
      );
    });
  });
});
