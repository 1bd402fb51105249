import fs from 'node:fs';
import {
  chmod,
  chown,
  type FileHandle,
  link,
  mkdir,
  open,
  rename,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { expect } from 'chai';
import { execa } from 'execa';
import sinon from 'sinon';

import { makeAttributeStore } from '../../../src/alphorn/format/attributes.ts';
import { type Collected, makeCollector } from '../../../src/alphorn/collecting/collect.ts';
import { limits } from '../../../src/alphorn/format/limits.ts';
import { readRules } from '../../../src/alphorn/collecting/rules.ts';
import { type Acl, encodeAcl } from '../../../src/parsers/posix-acl.ts';
import { appending } from '../../support/appending.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const isRoot = process.getuid?.() === 0;

describe('a collection', () => {
  const folder = temporaryFolder();
  const at = (...parts: string[]) => join(folder.path, 'host', ...parts);
  const rulesFolder = () => join(folder.path, 'rules');
  const paths = () => ({
    passwd: join(folder.path, 'passwd'),
    group: join(folder.path, 'group'),
    own: at('alphorn', 'own'),
    liferafts: at('alphorn', 'liferafts'),
    knownKeys: at('alphorn', 'known-keys.json'),
    restores: at('restores'),
  });
  const me = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

  beforeEach(async () => {
    await mkdir(rulesFolder());
    await mkdir(at());
    await writeFile(paths().passwd, `keeper:x:${me.uid}:${me.gid}::/:/bin/sh\n`);
    await writeFile(paths().group, `keepers:x:${me.gid}:\n`);
  });

  /** Sets the clock so far ahead that any further change alters the time stamps. */
  const muchLater = () => {
    sinon.useFakeTimers({ now: Date.now() + 60_000, toFake: ['Date'] });
  };
  afterEach(() => {
    sinon.restore();
    syncBuiltinESMExports();
  });

  const say = async (rules: object) => {
    await writeFile(join(rulesFolder(), 'a.json'), JSON.stringify(rules));
    return readRules(rulesFolder());
  };
  const all = () => say({ include: [at()] });
  const collector = () => makeCollector(paths());
  const pathsOf = (items: readonly { path: string }[]) =>
    items.map(({ path }) => path.replace(`${at()}/`, ''));
  const whyNot = ({ leftOut }: Collected, ...parts: string[]) =>
    leftOut.find(({ path }) => path === at(...parts))?.why;

  it('has files with their digests, links with their targets, and the folders that contain them', async () => {
    await mkdir(at('a', 'b'), { recursive: true });
    await chmod(at('a', 'b'), 0o2750);
    await writeFile(at('a', 'b', 'file'), 'hello\n');
    await chmod(at('a', 'b', 'file'), 0o4711);
    await symlink('../../anywhere', at('a', 'link'));
    await mkdir(at('empty'));
    const owner = { ...me, user: 'keeper', group: 'keepers' };
    const { files, links, folders, leftOut } = await collector().collect(await all());
    expect(files).to.deep.equal([
      {
        path: at('a', 'b', 'file'),
        size: 6,
        // printf 'hello\n' | sha256sum
        sha256: '5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03',
        mode: 0o4711,
        ...owner,
      },
    ]);
    expect(links).to.deep.equal([{ path: at('a', 'link'), target: '../../anywhere', ...owner }]);
    expect(folders.filter(({ path }) => path.startsWith(at('a')))).to.deep.equal([
      { path: at('a'), mode: 0o755, ...owner },
      { path: at('a', 'b'), mode: 0o2750, ...owner },
    ]);
    expect(folders.map(({ path }) => path)).to.include.members(['/tmp', folder.path, at()]);
    expect(leftOut).to.deep.equal([]);
  });

  it('is sorted by path, whatever the order in which files were made', async () => {
    const names = ['b', 'a', 'a.b', 'a-b', 'ü', '.x'];
    for (const name of names) await writeFile(at(name), name);
    await mkdir(at('d'));
    await writeFile(at('d', 'x'), '');
    await writeFile(at('d.x'), '');
    const { files } = await collector().collect(await all());
    expect(pathsOf(files)).to.deep.equal(['.x', 'a', 'a-b', 'a.b', 'b', 'd.x', 'd/x', 'ü']);
  });

  it('has what the globs include, except what they exclude', async () => {
    await mkdir(at('a', 'deep'), { recursive: true });
    await mkdir(at('b', 'private'), { recursive: true });
    for (const name of ['a/1.conf', 'a/1.bak', 'a/deep/2.conf', 'b/3', 'b/private/4'])
      await writeFile(at(name), '');
    const rules = await say({
      include: [at('a', '*.conf'), at('b'), at('missing'), at('b', '**')],
      exclude: [at('b', 'private')],
    });
    expect(pathsOf((await collector().collect(rules)).files)).to.deep.equal(['a/1.conf', 'b/3']);
    const wide = await say({ include: [at('**', '*.conf')], exclude: [at('a', 'deep', '**')] });
    expect(pathsOf((await collector().collect(wide)).files)).to.deep.equal(['a/1.conf']);
  });

  it('never has the files of Alphorn itself', async () => {
    for (const path of [paths().own, paths().liferafts, paths().restores]) {
      await mkdir(path, { recursive: true });
      await writeFile(join(path, 'x'), '');
    }
    await writeFile(paths().knownKeys, '');
    await writeFile(at('alphorn', 'else'), '');
    const rules = await say({ include: [at(), paths().own, join(paths().own, 'x')] });
    expect(pathsOf((await collector().collect(rules)).files)).to.deep.equal(['alphorn/else']);
  });

  it('identifies owners without a name by their numbers', async () => {
    await writeFile(at('a'), '');
    await writeFile(paths().passwd, '');
    await rm(paths().group);
    const { files } = await collector().collect(await all());
    expect(files[0]).to.include({ user: null, group: null, ...me });
  });

  it('has the new names of owners when they change', async () => {
    await writeFile(at('a'), '');
    muchLater();
    const one = collector();
    await one.collect(await all());
    await writeFile(paths().passwd, `other:x:${me.uid}:0::/:\n`);
    const { files, folders } = await one.collect(await all());
    expect(files[0]).to.include({ user: 'other', group: 'keepers' });
    expect(folders.at(-1)).to.include({ user: 'other' });
  });

  it('has all files, with former names, if the list of users cannot be read', async () => {
    await writeFile(at('a'), '');
    const one = collector();
    const before = await one.collect(await all());
    await rm(paths().passwd);
    await symlink('passwd', paths().passwd);
    await writeFile(at('b'), '');
    expect((await one.collect(await all())).files[1]).to.include({ user: 'keeper' });
    expect(before.files[0]).to.include({ user: 'keeper' });
    expect((await collector().collect(await all())).files[0]).to.include({ user: null });
  });

  it('has each name of a file with several names', async () => {
    await writeFile(at('a'), 'x');
    await link(at('a'), at('b'));
    expect(pathsOf((await collector().collect(await all())).files)).to.deep.equal(['a', 'b']);
  });

  it('has folders without any other content', async () => {
    await mkdir(at('a', 'run'), { recursive: true });
    await writeFile(at('a', 'file'), '');
    await execa('mkfifo', ['-m', '0600', at('a', 'run', 'fifo')]);
    const { folders } = await collector().collect(await all());
    expect(pathsOf(folders)).to.include('a/run');
  });

  it('has empty folders only below what is included as a whole', async () => {
    await mkdir(at('a', 'b'), { recursive: true });
    await chmod(at('a', 'b'), 0o1770);
    await mkdir(at('excluded'));
    await writeFile(at('excluded', 'x~'), '');
    await mkdir(at('globbed', 'd'), { recursive: true });
    const foldersOf = async (rules: object) => {
      const { folders } = await collector().collect(await say(rules));
      return pathsOf(folders.filter(({ path }) => path.startsWith(`${at()}/`)));
    };
    expect(await foldersOf({ include: [at()], exclude: ['/**/*~'] })).to.deep.equal([
      'a',
      'a/b',
      'excluded',
      'globbed',
      'globbed/d',
    ]);
    expect(await foldersOf({ include: [at('globbed', '*'), at('a', 'b')] })).to.deep.equal([
      'a',
      'a/b',
    ]);
    const { folders } = await collector().collect(await say({ include: [at('a', '**')] }));
    expect(folders.at(-1)).to.include({ path: at('a', 'b'), mode: 0o1770 });
    expect(await foldersOf({ include: [at('a'), at('globbed')], max_files: 1 })).to.deep.equal([
      'a',
      'a/b',
    ]);
  });

  describe('with access control lists', () => {
    const users = [{ id: me.uid, perms: 4 }];
    const list = { user: 6, users, group: 0, groups: [], mask: 6, other: 0 };
    const none = { acl: null, defaultAcl: null, others: [] };
    const hex = (acl: Acl) => encodeAcl(acl).toString('hex');

    it('has those of files and folders, with names, and those that a folder passes on', async () => {
      await mkdir(at('d'));
      await writeFile(at('d', 'a'), '');
      await writeFile(at('d', 'b'), '');
      const folderList = { ...list, user: 7, mask: 5 };
      await makeAttributeStore().write([
        { path: at('d', 'a'), acl: hex(list) },
        { path: at('d'), acl: hex(folderList), defaultAcl: hex(list) },
      ]);
      const { files, folders, leftOut } = await collector().collect(await all());
      const named = [{ id: me.uid, name: 'keeper', perms: 4 }];
      expect(files[0]).to.deep.include({ mode: 0o660, acl: { ...list, users: named } });
      expect(files[1]).not.to.have.property('acl');
      expect(folders.at(-1)).to.deep.include({
        path: at('d'),
        mode: 0o750,
        acl: { ...folderList, users: named },
        defaultAcl: { ...list, users: named },
      });
      expect(leftOut).to.deep.equal([]);
    });

    it('follows lists that are added, changed and removed', async () => {
      await writeFile(at('a'), '');
      muchLater();
      const one = collector();
      const rules = await all();
      const now = async () => (await one.collect(rules)).files[0];
      expect(await now()).not.to.have.property('acl');
      const lists: Acl[] = [list, { ...list, group: 4 }];
      for (const acl of lists) {
        await makeAttributeStore().write([{ path: at('a'), acl: hex(acl) }]);
        expect((await now())?.acl).to.deep.include({ group: acl.group });
      }
      await makeAttributeStore().write([{ path: at('a'), acl: null }]);
      expect(await now()).not.to.have.property('acl');
    });

    it('has the group’s own bits, never the mask, instead of a list that is too long, and reports it', async () => {
      await mkdir(at('d'));
      await writeFile(at('a'), '');
      await writeFile(at('d', 'b'), '');
      const many = [...Array(limits.aclEntries + 1).keys()].map((id) => ({ id, perms: 4 }));
      const acl = hex({ ...list, users: many, group: 4, mask: 6 });
      const pretended = new Map([
        [at('a'), { ...none, acl }],
        [at('d'), { ...none, defaultAcl: acl }],
      ]);
      const store = { read: () => Promise.resolve(pretended) };
      await chmod(at('a'), 0o660);
      const collected = await makeCollector(paths(), undefined, undefined, store).collect(
        await all(),
      );
      expect(collected.files[0]).to.include({ mode: 0o640 }).and.not.to.have.property('acl');
      expect(collected.folders.at(-1)).to.include({ path: at('d') });
      expect(collected.folders.at(-1)).not.to.have.property('defaultAcl');
      for (const name of ['a', 'd'])
        expect(whyNot(collected, name)).to.match(/more than 1024 users/);
    });

    it('has lists as long as there is room, then the group’s own bits, and reports it', async () => {
      const many = [...Array(limits.aclEntries).keys()].map((id) => ({ id, perms: 4 }));
      const acl = hex({ ...list, users: many, group: 4, mask: 6 });
      const names = Array.from({ length: 60 }, (_, index) => `f${index + 10}`);
      for (const name of names) await writeFile(at(name), '', { mode: 0o660 });
      const pretended = new Map(names.map((name) => [at(name), { ...none, acl }]));
      const store = { read: () => Promise.resolve(pretended) };
      const collected = await makeCollector(paths(), undefined, undefined, store).collect(
        await all(),
      );
      const [first] = collected.files;
      const last = collected.files.at(-1);
      expect(first?.acl?.users).to.have.length(limits.aclEntries);
      expect(last).to.include({ mode: 0o640 }).and.not.to.have.property('acl');
      expect(whyNot(collected, 'f69')).to.match(/list is not carried/);
      expect(whyNot(collected, 'f10')).to.equal(undefined);
    });

    it('has those of all files, and leaves files whose list cannot be read as they were', async () => {
      for (const name of ['a', 'b']) await writeFile(at(name), '');
      const before = await collector().collect(await all());
      const pretended = new Map([[at('a'), { ...none, failed: 'EIO' }]]);
      const store = { read: () => Promise.resolve(pretended) };
      const one = makeCollector(paths(), undefined, undefined, store);
      const collected = await one.collect(await all(), { former: before });
      expect(pathsOf(collected.files)).to.deep.equal(['a', 'b']);
      expect(pathsOf([...collected.carriedOver])).to.deep.equal(['a']);
      expect(whyNot(collected, 'a')).to.match(/cannot be read: EIO/);
    });

    it('keeps the same object for an unchanged list, and reads only the lists of changed paths', async () => {
      await writeFile(at('a'), '');
      await makeAttributeStore().write([{ path: at('a'), acl: hex(list) }]);
      muchLater();
      const read = sinon.spy(makeAttributeStore(), 'read');
      const one = makeCollector(paths(), undefined, undefined, { read });
      const rules = await all();
      const first = await one.collect(rules);
      const second = await one.collect(rules);
      expect(second.files[0]).to.equal(first.files[0]);
      expect(read.secondCall.args[0]).to.deep.equal([]);
    });
  });

  describe('includes, and reports what is not carried of,', () => {
    it('a file with several names, or holes', async () => {
      await writeFile(at('a'), 'x');
      await link(at('a'), at('b'));
      await (await open(at('sparse'), 'w')).close();
      await truncate(at('sparse'), 8 * 1024 * 1024);
      const one = collector();
      for (let round = 0; round < 2; round += 1) {
        const collected = await one.collect(await all());
        expect(pathsOf(collected.files)).to.deep.equal(['a', 'b', 'sparse']);
        expect(whyNot(collected, 'a')).to.match(/2 names \(hard links\)/);
        expect(whyNot(collected, 'b')).to.match(/2 names \(hard links\)/);
        expect(whyNot(collected, 'sparse')).to.match(/takes 0 bytes .* up to 8388608 /);
      }
    });

    it('a file or folder with capabilities, or extended attributes', async () => {
      await mkdir(at('d'));
      for (const name of ['a', 'b', 'd/c']) await writeFile(at(name), '');
      const others: Record<string, string[]> = {
        a: ['security.capability', 'user.x'],
        b: ['security.selinux'],
        d: ['trusted.y'],
      };
      const pretended = new Map(
        Object.entries(others).map(([name, each]) => [
          at(name),
          { acl: null, defaultAcl: null, others: each },
        ]),
      );
      const store = { read: () => Promise.resolve(pretended) };
      const collected = await makeCollector(paths(), undefined, undefined, store).collect(
        await all(),
      );
      expect(pathsOf(collected.files)).to.deep.equal(['a', 'b', 'd/c']);
      expect(whyNot(collected, 'a')).to.match(/capabilities are .* not carried: user\.x\./);
      expect(whyNot(collected, 'd')).to.match(/trusted\.y/);
      expect(collected.leftOut).to.have.lengthOf(2);
    });
  });

  describe('with a database that is written through a memory map', () => {
    // Maps the file, writes the letter to its page, prints that, and writes each letter from stdin to the same page.
    const writer = `
import mmap, sys
with open(sys.argv[1], 'r+b') as file:
    page = mmap.mmap(file.fileno(), 4096)
    for letter in sys.stdin:
        page[0:1] = letter[0:1].encode()
        print('written', flush=True)
`;

    it('has the new content, although no time stamp changes', async () => {
      await writeFile(at('a.tdb'), Buffer.alloc(4096));
      const running = execa('python3', ['-c', writer, at('a.tdb')], { reject: false });
      const write = async (letter: string) => {
        const written = once(running.stdout, 'data');
        running.stdin.write(`${letter}\n`);
        await written;
      };
      try {
        await write('a');
        const one = collector();
        const rules = await all();
        muchLater();
        const before = await one.collect(rules);
        await write('b');
        const after = await one.collect(rules);
        expect(after.files[0]?.sha256).not.to.equal(before.files[0]?.sha256);
        expect((await one.collect(rules)).files[0]).to.equal(after.files[0]);
      } finally {
        running.kill();
        await running;
      }
    });
  });

  describe('leaves out, and says why,', () => {
    it('sockets, fifos and devices', async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(at('socket'), resolve));
      await execa('mkfifo', [at('fifo')]);
      const rules = await say({ include: [at(), '/dev/null'] });
      const collected = await collector().collect(rules);
      server.close();
      expect(whyNot(collected, 'socket')).to.match(/a socket/);
      expect(whyNot(collected, 'fifo')).to.match(/a fifo/);
      expect(collected.leftOut.find(({ path }) => path === '/dev/null')?.why).to.match(/a device/);
      expect(collected.files).to.deep.equal([]);
    });

    it('names and targets that are not UTF-8', async () => {
      const bytes = Buffer.concat([Buffer.from(at('bad-')), Buffer.from([0xff])]);
      await (await open(bytes, 'w')).close();
      await symlink(Buffer.from([0x61, 0xff]), at('link'));
      await writeFile(at('fine-\ufffd'), '');
      const collected = await collector().collect(await all());
      expect(whyNot(collected, 'bad-\ufffd')).to.match(/UTF-8/);
      expect(whyNot(collected, 'link')).to.match(/UTF-8/);
      expect(pathsOf(collected.files)).to.deep.equal(['fine-\ufffd']);
    });

    it('a file that is larger than max_file_bytes, whatever its former size', async () => {
      await writeFile(at('a'), 'x'.repeat(10));
      await writeFile(at('b'), 'x'.repeat(11));
      const one = collector();
      const rules = await say({ include: [at()], max_file_bytes: 10 });
      const collected = await one.collect(rules);
      expect(pathsOf(collected.files)).to.deep.equal(['a']);
      expect(whyNot(collected, 'b')).to.equal(
        `It has 11 bytes, and max_file_bytes of ${join(rulesFolder(), 'a.json')} is 10.`,
      );
      await writeFile(at('b'), 'x');
      expect(pathsOf((await one.collect(rules)).files)).to.deep.equal(['a', 'b']);
    });

    it('what exceeds max_files or max_bytes of its own file of rules', async () => {
      for (const name of ['1', '2', '3', '4']) await writeFile(at(name), 'x'.repeat(10));
      const files = async (rules: object) =>
        collector().collect(await say({ include: [at('[1-3]')], ...rules }));
      const few = await files({ max_files: 2 });
      expect(pathsOf(few.files)).to.deep.equal(['1', '2']);
      expect(whyNot(few, '3')).to.match(/max_files/);
      await writeFile(join(rulesFolder(), 'b.json'), JSON.stringify({ include: [at()] }));
      const small = await files({ max_bytes: 29 });
      expect(pathsOf(small.files)).to.deep.equal(['1', '2', '4']);
      expect(whyNot(small, '3')).to.match(/max_bytes/);
    });

    it('files whose size is wrong, like those of the kernel', async () => {
      const rules = await say({
        include: ['/sys/kernel/mm/transparent_hugepage/enabled', '/proc/version'],
      });
      const { files, leftOut } = await collector().collect(rules);
      expect(files).to.deep.equal([]);
      expect(leftOut.map(({ why }) => why).join()).to.match(/bytes, but reports/);
    });

    if (!isRoot) {
      it('what it may not read', async () => {
        await writeFile(at('a'), '', { mode: 0 });
        expect(whyNot(await collector().collect(await all()), 'a')).to.match(/EACCES/);
      });
    }
  });

  describe('reads again', () => {
    const longAgo = new Date('2020-01-01');

    for (const [what, change] of [
      ['a file after a write', () => writeFile(at('a'), 'after!')],
      [
        'a file after a write, even if its modification time is put back',
        async () => {
          await writeFile(at('a'), 'after!');
          await utimes(at('a'), longAgo, longAgo);
        },
      ],
      [
        'a file after another one has replaced it',
        async () => {
          await writeFile(at('new'), 'after!');
          await rename(at('new'), at('a'));
        },
      ],
    ] as const) {
      it(what, async () => {
        await writeFile(at('a'), 'before');
        await utimes(at('a'), longAgo, longAgo);
        muchLater();
        const one = collector();
        const rules = await all();
        const before = await one.collect(rules);
        await change();
        const after = await one.collect(rules);
        expect(before.files[0]?.sha256).not.to.equal(after.files[0]?.sha256);
      });
    }

    it('a file as long as its next change could leave the same time stamps', async () => {
      await writeFile(at('a'), 'before');
      await coarseTimeStamps();
      const one = collector();
      const rules = await all();
      const before = await one.collect(rules);
      await writeFile(at('a'), 'after!');
      const after = await one.collect(rules);
      expect(before.files[0]?.sha256).not.to.equal(after.files[0]?.sha256);
    });

    it('a folder when a name in it is added, removed, or becomes another kind', async () => {
      await mkdir(at('d', 'e'), { recursive: true });
      for (const path of ['d/a', 'd/e/a']) await writeFile(at(path), '');
      muchLater();
      const one = collector();
      const rules = await all();
      const now = async () => {
        const { files, links } = await one.collect(rules);
        return [...pathsOf(files), ...pathsOf(links)];
      };
      expect(await now()).to.deep.equal(['d/a', 'd/e/a']);
      await writeFile(at('d', 'e', 'b'), '');
      expect(await now()).to.deep.equal(['d/a', 'd/e/a', 'd/e/b']);
      await rename(at('d', 'e', 'a'), at('d', 'e', 'c'));
      expect(await now()).to.deep.equal(['d/a', 'd/e/b', 'd/e/c']);
      await rm(at('d', 'a'));
      await symlink('e', at('d', 'a'));
      expect(await now()).to.deep.equal(['d/e/b', 'd/e/c', 'd/a']);
      await rename(at('d', 'e'), at('d', 'f'));
      await writeFile(at('d', 'e'), '');
      expect(await now()).to.deep.equal(['d/e', 'd/f/b', 'd/f/c', 'd/a']);
    });

    it('a folder as long as a new name could leave the same time stamps', async () => {
      await writeFile(at('a'), '');
      await coarseTimeStamps();
      const one = collector();
      const rules = await all();
      await one.collect(rules);
      await writeFile(at('b'), '');
      expect(pathsOf((await one.collect(rules)).files)).to.deep.equal(['a', 'b']);
    });

    /**
     * Simulates the time stamps of a server, or of an ext4 with inodes of 128 bytes. No disk here has such coarse ones.
     */
    async function coarseTimeStamps(): Promise<void> {
      // This is later than now, so the stamps stay recent even on a slow machine.
      const second = Math.floor(Date.now() / 1000) * 1000 + 600_000;
      const coarse = <T>(stats: T): T =>
        stats && Object.assign(stats, { ctimeMs: second, mtimeMs: second });
      const file = await open(at('a'));
      const handle = Object.getPrototypeOf(file) as FileHandle;
      await file.close();
      const stat = sinon.stub(handle, 'stat');
      stat.callsFake(async function (this: FileHandle, options) {
        return coarse(await stat.wrappedMethod.call(this, options));
      });
      const lstat = sinon.stub(fs, 'lstatSync');
      lstat.callsFake((path, options) => coarse(lstat.wrappedMethod(path, options)));
      syncBuiltinESMExports();
    }
  });

  it('returns the same object for each unchanged item', async () => {
    await mkdir(at('d'));
    await writeFile(at('d', 'a'), 'a');
    await writeFile(at('b'), 'b');
    await symlink('x', at('l'));
    const one = collector();
    const rules = await all();
    const first = await one.collect(rules);
    const second = await one.collect(rules);
    await chmod(at('b'), 0o600);
    const third = await one.collect(rules);
    expect(second.files[0]).to.equal(first.files[0]);
    expect(second.links[0]).to.equal(first.links[0]);
    expect(second.folders.every((each, index) => each === first.folders[index])).to.equal(true);
    expect(third.files[0]).to.include({ path: at('b'), mode: 0o600 });
    expect(third.files[1]).to.equal(first.files[1]);
  });

  it('has all other items if a folder becomes a file, or a link can no longer be read', async () => {
    await mkdir(at('d'));
    for (const name of ['a', 'd/b']) await writeFile(at(name), '');
    await symlink('a', at('link'));
    const fails = (code: string) => Object.assign(new Error(code), { code });
    const lstat = sinon.stub(fs, 'lstatSync').callThrough().withArgs(at('d'));
    // Each walk finds the folder, and the second look fails.
    for (let call = 1; call < 20; call += 2) lstat.onCall(call).throws(fails('ENOTDIR'));
    sinon.stub(fs, 'readlinkSync').callThrough().withArgs(at('link')).throws(fails('EIO'));
    syncBuiltinESMExports();
    const collected = await collector().collect(await all());
    expect(pathsOf(collected.files)).to.deep.equal(['a']);
    expect(collected.links).to.deep.equal([]);
    expect(whyNot(collected, 'd', 'b')).to.match(/It changes each time/);
    expect(whyNot(collected, 'link')).to.equal('It cannot be read (EIO).');
  });

  it('no longer has a file that is gone', async () => {
    await writeFile(at('a'), 'a');
    await writeFile(at('b'), 'b');
    const one = collector();
    const rules = await all();
    await one.collect(rules);
    await rm(at('a'));
    expect(pathsOf((await one.collect(rules)).files)).to.deep.equal(['b']);
    await rm(at(), { recursive: true });
    expect((await one.collect(rules)).files).to.deep.equal([]);
  });

  it('has the present owner of a file', async () => {
    if (!isRoot) return;
    await writeFile(at('a'), '');
    await chown(at('a'), 4711, 4712);
    const { files } = await collector().collect(await all());
    expect(files[0]).to.include({ uid: 4711, gid: 4712, user: null, group: null });
  });

  describe('while files change', () => {
    it('has each file as of one moment, never partly changed', async () => {
      const size = 16 * 1024 * 1024;
      const contents = ['a', 'b'].map((letter) => Buffer.alloc(size, letter));
      const digests = contents.map((content) => createHash('sha256').update(content).digest('hex'));
      const [a = Buffer.alloc(0), b = a] = contents;
      await writeFile(at('a'), a);
      const file = await open(at('a'), 'r+');
      const rules = await all();
      const one = collector();
      for (let round = 0; round < 20; round += 1) {
        // The content is overwritten in place and has the same length, so only its time stamps differ.
        const content = round % 2 === 0 ? b : a;
        const writing = delay(15 + 2 * round).then(() => file.write(content, 0, size, 0));
        const collected = await one.collect(rules);
        expect(digests).to.include(collected.files[0]?.sha256);
        await writing;
      }
      await file.close();
    });

    it('does not report files that come and go all the time', async () => {
      await writeFile(at('a'), '');
      const over = new AbortController();
      const busy = (async () => {
        for (let count = 0; !over.signal.aborted; count += 1) {
          await writeFile(at(`t${count}`), '');
          await rm(at(`t${count - 3}`), { force: true });
          await delay(5);
        }
      })();
      const one = collector();
      const rules = await all();
      for (let round = 0; round < 3; round += 1) {
        const { files, leftOut } = await one.collect(rules);
        expect(leftOut).to.deep.equal([]);
        expect(pathsOf(files)).to.include('a');
      }
      over.abort();
      await busy;
    });

    it('leaves out and reports a file that changes without end, and has all other files', async () => {
      await writeFile(at('log'), Buffer.alloc(1024 * 1024));
      await writeFile(at('still'), '');
      const stop = appending(at('log'));
      const collected = await collector().collect(await all());
      await stop();
      expect(pathsOf(collected.files)).to.deep.equal(['still']);
      expect(whyNot(collected, 'log')).to.match(/changes each time/);
    });
  });
});
