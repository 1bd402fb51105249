import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import {
  isOnMemoryFileSystem,
  makeCertificateStore,
} from '../../../src/amphora/certificates/store.ts';
import { faultOf } from '../../support/faults.ts';
import { issue } from '../../support/octavia/authority.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const owner = { kind: 'loadbalancer', id: 'lb-1_A' } as const;
const long = issue({ name: 'a', key: 'rsa' });
const short = issue({ name: 'a', days: 3 });
const [longPem, shortPem] = [long, short].map((each) =>
  Buffer.from(each.certificate + each.key),
) as [Buffer, Buffer];

describe('the store of certificates', () => {
  const folder = temporaryFolder();
  const base = () => join(folder.path, 'certs');
  const store = (isInMemory = true) =>
    makeCertificateStore({
      paths: { certificates: base() },
      isInMemory: () => Promise.resolve(isInMemory),
    });

  beforeEach(() => mkdir(base()));

  it('writes a file that only root can read, for an owner that does not exist yet', async () => {
    const { md5 } = await store().upload(owner, 'a.pem', longPem);
    expect(md5).to.equal(createHash('md5').update(longPem).digest('hex'));
    const path = join(base(), owner.id, 'a.pem');
    expect(await readFile(path)).to.deep.equal(longPem);
    expect((await lstat(path)).mode & 0o777).to.equal(0o600);
    expect((await lstat(join(base(), owner.id))).mode & 0o777).to.equal(0o700);
  });

  it('replaces a longer file whole', async () => {
    const certificates = store();
    await certificates.upload(owner, 'a.pem', longPem);
    await certificates.upload(owner, 'a.pem', shortPem);
    expect(await readFile(join(base(), owner.id, 'a.pem'))).to.deep.equal(shortPem);
    expect(await readdir(join(base(), owner.id))).to.deep.equal(['a.pem']);
  });

  it('leaves the former file if the new one is refused', async () => {
    const certificates = store();
    await certificates.upload(owner, 'a.pem', longPem);
    const upload = certificates.upload(owner, 'a.pem', Buffer.from(long.key));
    await faultOf('certificate_missing', upload);
    expect(await readFile(join(base(), owner.id, 'a.pem'))).to.deep.equal(longPem);
  });

  it('writes nothing while its folder is not in memory', async () => {
    await faultOf('certificates_not_in_memory', store(false).upload(owner, 'a.pem', longPem));
    expect(await readdir(base())).to.deep.equal([]);
  });

  it('gives the MD5 of a file, and none of one that is missing', async () => {
    const certificates = store();
    await faultOf('certificate_not_found', certificates.md5(owner, 'a.pem'));
    const { md5 } = await certificates.upload(owner, 'a.pem', longPem);
    expect(await certificates.md5(owner, 'a.pem')).to.equal(md5);
    const fault = await faultOf('certificate_not_found', certificates.md5(owner, 'b.pem'));
    expect(fault.message).to.equal('No certificate with file name: b.pem');
  });

  it('removes a file once', async () => {
    const certificates = store();
    await certificates.upload(owner, 'a.pem', longPem);
    await certificates.remove(owner, 'a.pem');
    await faultOf('certificate_not_found', certificates.remove(owner, 'a.pem'));
    expect(await readdir(join(base(), owner.id))).to.deep.equal([]);
  });

  it('removes all files of an owner, and of no other one', async () => {
    const certificates = store();
    await certificates.upload(owner, 'a.pem', longPem);
    await certificates.upload({ kind: 'listener', id: 'other' }, 'a.pem', longPem);
    await certificates.removeAll(owner.id);
    await certificates.removeAll(owner.id);
    expect(await readdir(base())).to.deep.equal(['other']);
  });

  it('lists what it holds, with the first expiry of each file', async () => {
    const certificates = store();
    await certificates.upload(owner, 'b.pem', longPem);
    await certificates.upload(owner, 'a.pem', shortPem);
    const list = Buffer.from(`${base()}/${owner.id}/a.pem\n`);
    await certificates.upload(owner, 'listener.pem', list);
    await writeFile(join(base(), owner.id, 'c.pem'), 'nonsense');
    const listed = await certificates.list();
    expect(listed.map(({ file, kind }) => [file, kind])).to.deep.equal([
      ['a.pem', 'server certificate'],
      ['b.pem', 'server certificate'],
      ['c.pem', 'unreadable'],
      ['listener.pem', 'crt-list'],
    ]);
    const [first, second] = listed;
    expect(Number(first?.expires)).to.be.lessThan(Number(second?.expires));
  });

  it('is empty if its folder is missing', async () => {
    await rm(base(), { recursive: true });
    expect(await store().list()).to.deep.equal([]);
    await faultOf('certificate_not_found', store().md5(owner, 'a.pem'));
  });

  describe('with planted links', () => {
    const outside = () => join(folder.path, 'outside');
    beforeEach(async () => {
      await mkdir(outside());
      await writeFile(join(outside(), 'a.pem'), 'former');
    });

    it('writes nothing through a link in place of the folder of an owner', async () => {
      await symlink(outside(), join(base(), owner.id));
      await faultOf('certificate_refused', store().upload(owner, 'a.pem', longPem));
      await faultOf('certificate_refused', store().md5(owner, 'a.pem'));
      await faultOf('certificate_refused', store().remove(owner, 'a.pem'));
      expect(await readFile(join(outside(), 'a.pem'), 'utf8')).to.equal('former');
    });

    it('removes a link in place of the folder of an owner, and not what it leads to', async () => {
      await symlink(outside(), join(base(), owner.id));
      await store().removeAll(owner.id);
      expect(await readdir(base())).to.deep.equal([]);
      expect(await readdir(outside())).to.deep.equal(['a.pem']);
    });

    it('writes nothing through a link in place of its own folder', async () => {
      await rm(base(), { recursive: true });
      await symlink(outside(), base());
      await faultOf('certificate_refused', store().upload(owner, 'a.pem', longPem));
      expect(await readdir(outside())).to.deep.equal(['a.pem']);
    });

    it('removes nothing through a link in place of its own folder', async () => {
      await mkdir(join(outside(), owner.id));
      await rm(base(), { recursive: true });
      await symlink(outside(), base());
      await faultOf('certificate_refused', store().removeAll(owner.id));
      expect(await readdir(outside())).to.deep.equal(['a.pem', owner.id]);
    });

    it('replaces a link in place of a file, and reads none', async () => {
      await mkdir(join(base(), owner.id));
      await symlink(join(outside(), 'a.pem'), join(base(), owner.id, 'a.pem'));
      await faultOf('certificate_not_found', store().md5(owner, 'a.pem'));
      await store().upload(owner, 'a.pem', longPem);
      expect((await lstat(join(base(), owner.id, 'a.pem'))).isFile()).to.equal(true);
      expect(await readFile(join(outside(), 'a.pem'), 'utf8')).to.equal('former');
    });
  });

  it('takes no id and no name that leads out of its folder', async () => {
    for (const id of ['..', '.', '', 'a/b', 'a\nb', 'a\0', 'x'.repeat(65)]) {
      const upload = store().upload({ kind: 'listener', id }, 'a.pem', longPem);
      await faultOf('amphora_request_invalid', upload);
      await faultOf('amphora_request_invalid', store().removeAll(id));
    }
    for (const file of ['..', '../a.pem', 'a..pem', '.pem', 'a.pem.sh', 'a.pem\n', 'a', '']) {
      await faultOf('amphora_request_invalid', store().upload(owner, file, longPem));
      await faultOf('amphora_request_invalid', store().md5(owner, file));
    }
    expect(await readdir(base())).to.deep.equal([]);
  });

  it('names the path that people know if there is no room, and leaves the former file', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', base()]);
    try {
      const certificates = store();
      await certificates.upload(owner, 'a.pem', shortPem);
      const chain = Buffer.from(long.certificate + long.key + short.certificate.repeat(20));
      const fault = await faultOf('no_space', certificates.upload(owner, 'a.pem', chain));
      expect(fault.message).to.include(`${base()}/${owner.id}/a.pem could not be written`);
      expect(await readFile(join(base(), owner.id, 'a.pem'))).to.deep.equal(shortPem);
      expect(await readdir(join(base(), owner.id))).to.deep.equal(['a.pem']);
    } finally {
      execFileSync('umount', [base()]);
    }
  });
});

describe('whether a folder is in memory', () => {
  it('is true on tmpfs, below it too, and false elsewhere', async () => {
    expect(await isOnMemoryFileSystem('/dev/shm')).to.equal(true);
    expect(await isOnMemoryFileSystem('/proc')).to.equal(false);
    expect(await isOnMemoryFileSystem('/usr')).to.equal(false);
    expect(await isOnMemoryFileSystem('/dev/shm/none-of-that-name')).to.equal(false);
  });
});
