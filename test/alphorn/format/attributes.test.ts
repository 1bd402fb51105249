import { mkdir, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { type AttributeStore, makeAttributeStore } from '../../../src/alphorn/format/attributes.ts';
import { Fault } from '../../../src/kit/fault.ts';
import { makeRun, type Run } from '../../../src/kit/exec.ts';
import { makeLog } from '../../../src/kit/log.ts';
import { encodeAcl } from '../../../src/parsers/posix-acl.ts';
import { faultOf } from '../../support/faults.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const acl = encodeAcl({
  user: 6,
  users: [{ id: 5, perms: 4 }],
  group: 4,
  groups: [],
  mask: 6,
  other: 0,
}).toString('hex');

describe('attributes of files', () => {
  const folder = temporaryFolder();
  let attributes: AttributeStore;
  beforeEach(() => {
    attributes = makeAttributeStore(folder.path);
  });

  it('are read as they were set, and not after they were removed', async () => {
    await mkdir(join(folder.path, 'd'));
    for (const name of ['a', 'größe', 'd/with blank\n'])
      await writeFile(join(folder.path, name), '');
    const isFolder = (path: string) => path === '/d' || path === '/';
    const paths = ['/a', '/größe', '/d/with blank\n', '/d', '/'];
    expect((await attributes.read(paths)).size).to.equal(0);
    const changes = paths.map((path) => ({
      path,
      acl,
      ...(isFolder(path) && { defaultAcl: acl }),
    }));
    expect(await attributes.write(changes)).to.deep.equal([]);
    const read = await attributes.read(paths);
    for (const path of paths) {
      const defaultAcl = isFolder(path) ? acl : null;
      expect(read.get(path), path).to.deep.equal({ acl, defaultAcl, others: [] });
    }
    expect((await stat(join(folder.path, 'a'))).mode & 0o777).to.equal(0o660);
    await attributes.write(changes.map((each) => ({ ...each, acl: null, defaultAcl: null })));
    expect((await attributes.read(paths)).size).to.equal(0);
  });

  it('are read for thousands of paths', async () => {
    const paths = [...Array(4500).keys()].map((number) => `/${number}`);
    for (const path of paths) await writeFile(join(folder.path, path), '');
    const some = paths.filter((_path, index) => index % 1000 === 7);
    await attributes.write(some.map((path) => ({ path, acl })));
    expect([...(await attributes.read(paths)).keys()]).to.deep.equal(some);
  });

  it('are read for fewer paths at once if they exceed one answer, and fail for a path that exceeds it alone', async () => {
    const paths = [...Array(20).keys()].map((number) => `/${number}`);
    for (const path of paths) await writeFile(join(folder.path, path), '');
    await attributes.write(paths.map((path) => ({ path, acl })));
    const limited: Run = async (command) => {
      const records = (command.input ?? '').split('\0').length - 1;
      if (records > 3 || command.input?.includes('/7\0'))
        throw new Fault('output_too_large', 'too much');
      return makeRun(makeLog('silent'))(command);
    };
    const read = await makeAttributeStore(folder.path, limited).read(paths);
    expect([...read.keys()]).to.deep.equal(paths);
    expect(read.get('/6')).to.include({ acl }).and.not.to.have.property('failed');
    expect(read.get('/7')?.failed).to.equal('E2BIG');
  });

  it('are missing for a path that does not exist', async () => {
    expect((await attributes.read(['/x', '/x/y'])).size).to.equal(0);
    const { message } = await faultOf('tool_failed', attributes.write([{ path: '/x', acl }]));
    expect(message).to.match(/ \/x cannot be set: ENOENT/);
  });

  it('are never read through a link', async () => {
    await mkdir(join(folder.path, 'd'));
    await writeFile(join(folder.path, 'd/a'), '');
    await rename(join(folder.path, 'd'), join(folder.path, 'elsewhere'));
    await symlink('elsewhere', join(folder.path, 'd'));
    await symlink('elsewhere/a', join(folder.path, 'l'));
    await attributes.write([{ path: '/elsewhere/a', acl }]);
    expect((await attributes.read(['/d/a', '/l'])).size).to.equal(0);
    await faultOf('tool_failed', attributes.write([{ path: '/d/a', acl: null, defaultAcl: null }]));
    expect((await attributes.read(['/elsewhere/a'])).size).to.equal(1);
  });

  it('report a file system without lists, where removing a list is no error', async () => {
    const inProc = makeAttributeStore('/proc');
    expect(await inProc.write([{ path: '/version', acl }])).to.deep.equal(['/version']);
    expect(await inProc.write([{ path: '/version', acl: null }])).to.deep.equal([]);
    const read = await inProc.read(['/version']);
    expect(read.get('/version')).to.include({ withoutLists: true, acl: null });
  });
});
