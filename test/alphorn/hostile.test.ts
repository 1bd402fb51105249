import { lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { expect } from 'chai';

import { entryHeader, entryName, manifestName } from '../../src/alphorn/format/archive.ts';
import { digestOf, type Manifest, manifestBytes } from '../../src/alphorn/format/manifest.ts';
import { limits } from '../../src/alphorn/format/limits.ts';
import { openStore } from '../../src/alphorn/receiving/store.ts';
import type { FaultCode } from '../../src/kit/fault.ts';
import { faultOf } from '../support/faults.ts';
import { hostileArchives, soundManifest } from '../support/hostile-archives.ts';
import {
  archiveOf,
  archiveWith,
  entry,
  inPieces,
  liferaftOf,
  type MadeLiferaft,
  manifestOf,
  someHost,
} from '../support/liferafts.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const maxBytes = 1024 * 1024;

describe('a hostile liferaft', () => {
  // Stores must be closed before their folder is removed.
  afterEach('left the one before as it was, and nothing else anywhere', async () => {
    expect(await readdir(storeFolder())).to.deep.equal([`liferaft_${someHost}.tar`]);
    const stored = await readFile(join(storeFolder(), `liferaft_${someHost}.tar`));
    expect(stored.equals(former.bytes)).to.equal(true);
    expect(await readdir(join(folder.path, 'a'))).to.have.members(['liferafts', 'outside']);
    expect(await readdir(folder.path)).to.deep.equal(['a']);
    expect(await readFile(outside(), 'utf8')).to.equal('as it was');
    expect((await lstat(outside())).nlink).to.equal(1);
  });

  const folder = temporaryFolder();
  const storeFolder = () => join(folder.path, 'a', 'liferafts');
  const outside = () => join(folder.path, 'a', 'outside');
  const store = () => openStore(storeFolder(), { keep: 5, maxBytes });
  const former = liferaftOf();
  /** What a sound archive would have, for its header and its manifest. */
  const sound = soundManifest;
  const content = entry(entryName('/etc/hostname'), Buffer.from('node-a\n'));

  beforeEach(async () => {
    await mkdir(storeFolder(), { recursive: true });
    await writeFile(outside(), 'as it was');
    await store().receive(announcedOf(former), inPieces(former.bytes));
  });

  function announcedOf({ digest, bytes, manifest }: MadeLiferaft) {
    return { hostId: manifest.host.id, digest, size: bytes.length, rebuilt: false };
  }

  async function refused(
    code: FaultCode,
    bytes: Buffer,
    said: { digest: string; size?: number; rebuilt?: boolean; hostId?: string },
  ): Promise<void> {
    const announced = { hostId: someHost, size: bytes.length, rebuilt: false, ...said };
    const fault = await faultOf(code, store().receive(announced, inPieces(bytes)));
    expect(fault.message).to.match(/Nothing of it was stored|nothing was kept/);
  }

  describe('is refused for an entry that leads out of the folder,', () => {
    for (const { what, bytes, digest } of hostileArchives.escapes) {
      it(what, async () => {
        await refused('liferaft_invalid', bytes, { digest });
      });
      it(`${what}, also in an archive of the sound length`, async () => {
        const long = liferaftOf({ generation: 2 }).bytes.length;
        const same = Buffer.concat([bytes, Buffer.alloc(10_240)]).subarray(0, long);
        await refused('liferaft_invalid', same, { digest });
      });
    }
  });

  describe('is refused for an entry that is not a file,', () => {
    for (const { what, bytes, digest } of hostileArchives.kinds) {
      it(what, async () => {
        await refused('liferaft_invalid', bytes, { digest });
      });
    }
  });

  describe('is refused for a header with inconsistent fields,', () => {
    for (const { what, bytes, digest } of hostileArchives.headers) {
      it(what, async () => {
        await refused('liferaft_invalid', bytes, { digest });
      });
    }
  });

  describe('is refused for its content:', () => {
    for (const { what, bytes, digest } of hostileArchives.contents) {
      it(what, async () => {
        await refused('liferaft_invalid', bytes, { digest });
      });
    }

    it('files in another order than in the manifest', async () => {
      const files = { '/etc/a': 'a', '/etc/b': 'b' };
      const { bytes, digest } = archiveWith(manifestOf({ generation: 2, files }), [
        entry('root/etc/b', Buffer.from('b')),
        entry('root/etc/a', Buffer.from('a')),
      ]);
      await refused('liferaft_invalid', bytes, { digest });
    });

    it('no manifest at all', async () => {
      await refused('liferaft_invalid', content, { digest: former.digest });
      await refused('liferaft_invalid', Buffer.alloc(0), { digest: former.digest });
      await refused('liferaft_invalid', Buffer.alloc(10_240), { digest: former.digest });
      await refused('liferaft_invalid', Buffer.from('GET / HTTP/1.1\r\n\r\n'.repeat(99)), {
        digest: former.digest,
      });
    });

    for (const path of [
      '/etc/../outside',
      '/../../outside',
      'outside',
      '../outside',
      '/etc//x',
      '/',
    ]) {
      it(`a manifest with the path ${path}`, async () => {
        const [file] = sound.files;
        const manifest = { ...sound, files: [{ ...file, path }] } as Manifest;
        const raw = manifestBytes(manifest);
        const bytes = archiveOf(raw, [entry(entryName(path), Buffer.from('node-a\n'))]);
        await refused('liferaft_invalid', bytes, { digest: digestOf(raw) });
      });
    }
  });

  describe('is refused before it fills the disk or the memory', () => {
    const sparse = (size: number): MadeLiferaft => {
      const [file] = sound.files;
      const manifest = { ...sound, files: [{ ...file, size }] } as Manifest;
      return archiveWith(manifest, [entryHeader(entryName('/etc/hostname'), size)]);
    };

    it('if its announced size is too large, without reading a byte', async () => {
      let read = 0;
      const source = (async function* () {
        read += 1;
        yield await Promise.resolve(Buffer.alloc(1));
      })();
      const announced = {
        hostId: someHost,
        digest: former.digest,
        size: maxBytes + 1,
        rebuilt: false,
      };
      await faultOf('liferaft_too_large', store().receive(announced, source));
      expect(read).to.equal(0);
    });

    it('if its manifest makes it larger than allowed', async () => {
      const { bytes, digest } = sparse(2 ** 40);
      await refused('liferaft_too_large', bytes, { digest });
    });

    it('if it is larger than announced', async () => {
      const { bytes, digest } = sparse(100_000);
      await refused('liferaft_invalid', bytes, { digest });
    });

    it('if it has too many paths', async () => {
      const [file] = sound.files;
      const many = Array.from({ length: limits.items + 1 }, (_, index) => ({
        ...file,
        size: 0,
        path: `/${String(index).padStart(7, '0')}`,
      }));
      const raw = manifestBytes({ ...sound, folders: [], files: many } as Manifest);
      const wide = openStore(storeFolder(), { keep: 5, maxBytes: 2 ** 40 });
      const bytes = archiveOf(raw, []);
      const announced = {
        hostId: someHost,
        digest: digestOf(raw),
        size: bytes.length,
        rebuilt: false,
      };
      await faultOf('liferaft_invalid', wide.receive(announced, inPieces(bytes, 2 ** 20)));
    });

    it('if its manifest is too large, before the manifest is read', async () => {
      let sent = 0;
      const source = (async function* () {
        yield await Promise.resolve(entryHeader(manifestName, limits.manifest + 1));
        for (; sent < 1000; sent += 1) yield Buffer.alloc(65_536, ' ');
      })();
      const announced = { ...announcedOf(former), size: maxBytes };
      await faultOf('liferaft_invalid', store().receive(announced, source));
      expect(sent).to.equal(0);
    });

    it('if it is shorter than announced, even if it is valid', async () => {
      const { bytes, digest } = liferaftOf({ generation: 2 });
      for (const size of [bytes.length + 512, bytes.length - 512, 0])
        await refused('liferaft_invalid', bytes, { digest, size });
    });

    it('if it is compressed', async () => {
      const { bytes, digest } = liferaftOf({
        generation: 2,
        files: { '/etc/zeros': Buffer.alloc(500_000) },
      });
      await refused('liferaft_invalid', gzipSync(bytes), { digest });
      await refused('liferaft_invalid', gzipSync(bytes), { digest, size: bytes.length });
    });

    it('if it does not end', async () => {
      const made = liferaftOf({ generation: 2 });
      let sent = 0;
      let isClosed = false;
      const source = (async function* () {
        try {
          yield made.bytes;
          for (;;) {
            sent += 1;
            yield await Promise.resolve(Buffer.alloc(65_536));
          }
        } finally {
          isClosed = true;
        }
      })();
      await faultOf('liferaft_invalid', store().receive(announcedOf(made), source));
      expect({ sent, isClosed }).to.deep.equal({ sent: 1, isClosed: true });
    });
  });

  describe('is refused if it is damaged:', () => {
    const made = liferaftOf({
      generation: 2,
      files: {
        '/etc/hostname': 'node-a\n',
        '/etc/more': Buffer.from(Array.from({ length: 20_000 }, (_, index) => index % 251)),
        [`/${'long/'.repeat(40)}name`]: 'long',
      },
    });
    const { bytes, digest } = made;
    const places = Array.from({ length: 100 }, (_, index) =>
      Math.floor((bytes.length * index) / 100),
    );

    it('cut off at each 1 % of its length', async () => {
      for (const place of places)
        await refused('liferaft_invalid', bytes.subarray(0, place), { digest, size: bytes.length });
      await refused('liferaft_invalid', bytes.subarray(0, -1), { digest, size: bytes.length });
    });

    it('with one bit flipped at each 1 % of its length', async () => {
      for (const [index, place] of [...places, bytes.length - 1].entries()) {
        const other = Buffer.from(bytes);
        other.writeUInt8(other.readUInt8(place) ^ (1 << (index % 8)), place);
        await refused('liferaft_invalid', other, { digest });
      }
    });

    it('with a block removed or inserted at each 1 % of its length', async () => {
      for (const place of places) {
        const at = place - (place % 512);
        const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
        const shorter = Buffer.concat([before, after.subarray(512)]);
        await refused('liferaft_invalid', shorter, { digest, size: bytes.length });
        const longer = Buffer.concat([before, Buffer.alloc(512), after]);
        await refused('liferaft_invalid', longer, { digest, size: bytes.length });
      }
    });

    it('with bytes after its end', async () => {
      await refused('liferaft_invalid', Buffer.concat([bytes, Buffer.alloc(1)]), {
        digest,
        size: bytes.length,
      });
    });
  });

  it('is refused if it belongs to another host than its sender', async () => {
    const made = liferaftOf({ host: { id: 'ae82a9a2' }, generation: 2 });
    await refused('liferaft_of_another_host', made.bytes, { digest: made.digest });
  });

  it('is refused if its digest differs from the announced one', async () => {
    const made = liferaftOf({ generation: 2 });
    await refused('liferaft_invalid', made.bytes, { digest: former.digest });
  });

  it('is refused if it was sent before', async () => {
    await refused('liferaft_older', former.bytes, { digest: former.digest });
    await refused('liferaft_older', former.bytes, { digest: former.digest, rebuilt: true });
  });

  it('leaves no trace if its sender dies while it is sent', async () => {
    const made = liferaftOf({ generation: 2 });
    const source = (async function* () {
      yield await Promise.resolve(made.bytes.subarray(0, 1000));
      throw new Error('the connection is gone');
    })();
    const outcome = store().receive(announcedOf(made), source);
    expect(await outcome.catch((error: unknown) => (error as Error).message)).to.equal(
      'the connection is gone',
    );
  });
});
