import { lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { expect } from 'chai';
import { Header } from 'tar/header';
import { Pax } from 'tar/pax';

import { entryHeader, entryName, manifestName } from '../../src/alphorn/archive.ts';
import { digestOf, limits, type Manifest, manifestBytes } from '../../src/alphorn/manifest.ts';
import { openStore } from '../../src/alphorn/store.ts';
import type { FaultCode } from '../../src/errors.ts';
import { faultOf } from '../support/faults.ts';
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

type HeaderFields = NonNullable<ConstructorParameters<typeof Header>[0]> & object;

/** A block as tar has it, of whatever kind. */
function header(fields: Exclude<HeaderFields, Buffer>): Buffer {
  const block = Buffer.alloc(512);
  new Header({ mode: 0o600, uid: 0, gid: 0, size: 0, ...fields }).encode(block, 0);
  return block;
}

/** The same of a kind that the library does not write. */
function ofKind(typeflag: string, path: string, size: number): Buffer {
  const block = header({ path, size, type: 'File' });
  block.write(typeflag, 156, 'latin1');
  // The sum of all bytes, its own place taken for blanks (pax(1), ustar).
  block.fill(' ', 148, 156);
  const sum = block.reduce((all, byte) => all + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

const hardLink = (path: string, linkpath: string) => header({ path, linkpath, type: 'Link' });
const symbolicLink = (path: string, linkpath: string) =>
  header({ path, linkpath, type: 'SymbolicLink' });

const mostBytes = 1024 * 1024;

describe('a hostile liferaft', () => {
  // Before the folder is gone.
  afterEach('left the one before as it was, and nothing else anywhere', async () => {
    expect(await readdir(storeFolder())).to.deep.equal([`liferaft_${someHost}.tar`]);
    const kept = await readFile(join(storeFolder(), `liferaft_${someHost}.tar`));
    expect(kept.equals(former.bytes)).to.equal(true);
    expect(await readdir(join(folder.path, 'a'))).to.have.members(['liferafts', 'outside']);
    expect(await readdir(folder.path)).to.deep.equal(['a']);
    expect(await readFile(outside(), 'utf8')).to.equal('as it was');
    expect((await lstat(outside())).nlink).to.equal(1);
  });

  const folder = temporaryFolder();
  const storeFolder = () => join(folder.path, 'a', 'liferafts');
  const outside = () => join(folder.path, 'a', 'outside');
  const store = () => openStore(storeFolder(), { keep: 5, mostBytes });
  const former = liferaftOf();
  /** What a sound one would be, for its header and its manifest. */
  const sound = manifestOf({ generation: 2 });
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
    expect(fault.message).to.match(/Nothing of it was kept|nothing was kept/);
  }

  describe('is refused for an entry that leads out of the folder,', () => {
    const target = '../outside';
    const escapes: [string, readonly Buffer[]][] = [
      [
        'as CVE-2026-23745: links to an absolute path, which was not sanitized',
        [hardLink('root/etc/hostname', '/etc/shadow')],
      ],
      [
        'as CVE-2026-23745: the same of a symbolic link',
        [symbolicLink('root/etc/hostname', '/etc/shadow'), content],
      ],
      [
        'as CVE-2026-24842: a hard link that is checked from its own folder and made from another',
        [
          header({ path: 'root/etc/', type: 'Directory' }),
          hardLink('root/etc/a/b/hostname', target),
        ],
      ],
      [
        'as CVE-2026-26960: a chain of symbolic links, and a hard link through it',
        [
          symbolicLink('root/a', '.'),
          symbolicLink('root/a/b', '..'),
          hardLink('root/etc/hostname', 'root/a/b/../outside'),
          content,
        ],
      ],
      [
        'as CVE-2026-29786: a hard link relative to a drive',
        [hardLink('root/etc/hostname', 'C:../outside'), content],
      ],
      [
        'as CVE-2026-31802: a symbolic link relative to a drive',
        [symbolicLink('root/etc/hostname', 'C:../../outside'), content],
      ],
      ['a symbolic link to a folder', [symbolicLink('root/etc', '..'), content]],
      ['a file with an absolute path', [entry('/etc/hostname', Buffer.from('node-a\n'))]],
      ['a file with a path that climbs', [entry('root/../../outside', Buffer.from('node-a\n'))]],
      ['a path on a drive', [entry('C:/outside', Buffer.from('node-a\n'))]],
      ['a path with backslashes', [entry('root\\..\\outside', Buffer.from('node-a\n'))]],
    ];
    for (const [what, entries] of escapes) {
      it(what, async () => {
        const { bytes, digest } = archiveWith(sound, entries);
        await refused('liferaft_invalid', bytes, { digest });
      });
      it(`${what}; also in an archive as long as the sound one`, async () => {
        const { bytes, digest } = archiveWith(sound, entries);
        const long = liferaftOf({ generation: 2 }).bytes.length;
        const same = Buffer.concat([bytes, Buffer.alloc(10_240)]).subarray(0, long);
        await refused('liferaft_invalid', same, { digest });
      });
    }
  });

  describe('is refused for an entry that is no file,', () => {
    const path = 'root/etc/hostname';
    for (const [what, block] of [
      ['a folder', header({ path, type: 'Directory' })],
      ['a device of characters', header({ path, type: 'CharacterDevice', devmaj: 1, devmin: 3 })],
      ['a device of blocks', header({ path, type: 'BlockDevice', devmaj: 8, devmin: 0 })],
      ['a fifo', header({ path, type: 'FIFO' })],
      ['a contiguous file', header({ path, size: 7, type: 'ContiguousFile' })],
      ['a file of the old kind', header({ path, size: 7, type: 'OldFile' })],
      ['a sparse file of GNU', ofKind('S', path, 7)],
      ['a kind that nobody has', ofKind('?', path, 7)],
      [
        'a long name of GNU',
        header({ path: '././@LongLink', size: 7, type: 'NextFileHasLongPath' }),
      ],
      [
        'a long target of GNU',
        header({ path: '././@LongLink', size: 7, type: 'NextFileHasLongLinkpath' }),
      ],
      [
        'extended fields for all that follows',
        header({ path, size: 7, type: 'GlobalExtendedHeader' }),
      ],
    ] as const) {
      it(what, async () => {
        const { bytes, digest } = archiveWith(sound, [block, content]);
        await refused('liferaft_invalid', bytes, { digest });
        const instead = archiveWith(sound, [Buffer.concat([block, content.subarray(512)])]);
        await refused('liferaft_invalid', instead.bytes, { digest });
      });
    }
  });

  describe('is refused for a header that says one thing here and another there,', () => {
    const plain = entryHeader(entryName('/etc/hostname'), 7);
    const body = content.subarray(512);
    for (const [what, entries] of [
      [
        'another path in extended fields',
        [new Pax({ path: 'root/etc/../../outside' }).encode(), content],
      ],
      [
        'the same path in extended fields',
        [new Pax({ path: 'root/etc/hostname' }).encode(), content],
      ],
      [
        'another size in extended fields',
        [new Pax({ path: 'root/etc/hostname', size: 512 }).encode(), content],
      ],
      [
        'a target in extended fields',
        [new Pax({ path: 'root/etc/hostname', linkpath: '/etc' }).encode(), content],
      ],
      [
        'another mode',
        [header({ path: 'root/etc/hostname', size: 7, mode: 0o4755, type: 'File' }), body],
      ],
      [
        'another owner',
        [header({ path: 'root/etc/hostname', size: 7, uid: 1, type: 'File' }), body],
      ],
      [
        'another time',
        [header({ path: 'root/etc/hostname', size: 7, mtime: new Date(0), type: 'File' }), body],
      ],
      ['another size', [entryHeader('root/etc/hostname', 8), body]],
      ['a sum that is wrong', [Buffer.from(plain).fill('1', 148, 149), body]],
      ['something after its NULs', [Buffer.from(plain).fill('x', 505, 506), body]],
      ['something where its content is filled up', [plain, Buffer.from(body).fill('x', 511, 512)]],
    ] as const) {
      it(what, async () => {
        const { bytes, digest } = archiveWith(sound, entries);
        await refused('liferaft_invalid', bytes, { digest });
      });
    }
  });

  describe('is refused for what is in it,', () => {
    for (const [what, entries] of [
      ['nothing of what its manifest names', []],
      ['a file that its manifest does not name', [content, entry('root/etc/x', Buffer.from('x'))]],
      ['a file twice', [content, content]],
      ['a second manifest', [entry(manifestName, manifestBytes(sound)), content]],
      [
        'content other than in its manifest',
        [entry(entryName('/etc/hostname'), Buffer.from('node-b\n'))],
      ],
    ] as const) {
      it(what, async () => {
        const { bytes, digest } = archiveWith(sound, entries);
        await refused('liferaft_invalid', bytes, { digest });
      });
    }

    it('its files in another order', async () => {
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

  describe('is refused before it fills the disk or the memory,', () => {
    const sparse = (size: number): MadeLiferaft => {
      const [file] = sound.files;
      const manifest = { ...sound, files: [{ ...file, size }] } as Manifest;
      return archiveWith(manifest, [entryHeader(entryName('/etc/hostname'), size)]);
    };

    it('if it is said to be larger than is allowed, without a byte read', async () => {
      let read = 0;
      const source = (async function* () {
        read += 1;
        yield await Promise.resolve(Buffer.alloc(1));
      })();
      const announced = {
        hostId: someHost,
        digest: former.digest,
        size: mostBytes + 1,
        rebuilt: false,
      };
      await faultOf('liferaft_too_large', store().receive(announced, source));
      expect(read).to.equal(0);
    });

    it('if its manifest makes it larger than is allowed', async () => {
      const { bytes, digest } = sparse(2 ** 40);
      await refused('liferaft_too_large', bytes, { digest });
    });

    it('if it is larger than is said', async () => {
      const { bytes, digest } = sparse(100_000);
      await refused('liferaft_invalid', bytes, { digest });
    });

    it('if it has too many paths', async () => {
      const [file] = sound.files;
      const many = Array.from({ length: limits.items + 1 }, (_, index) => ({
        ...{ ...file, size: 0 },
        path: `/${String(index).padStart(7, '0')}`,
      }));
      const raw = manifestBytes({ ...sound, folders: [], files: many } as Manifest);
      const wide = openStore(storeFolder(), { keep: 5, mostBytes: 2 ** 40 });
      const bytes = archiveOf(raw, []);
      const announced = {
        hostId: someHost,
        digest: digestOf(raw),
        size: bytes.length,
        rebuilt: false,
      };
      await faultOf('liferaft_invalid', wide.receive(announced, inPieces(bytes, 2 ** 20)));
    });

    it('if its manifest is too large to be read, before any of it is', async () => {
      let sent = 0;
      const source = (async function* () {
        yield await Promise.resolve(entryHeader(manifestName, limits.manifest + 1));
        for (; sent < 1000; sent += 1) yield Buffer.alloc(65_536, ' ');
      })();
      const announced = { ...announcedOf(former), size: mostBytes };
      await faultOf('liferaft_invalid', store().receive(announced, source));
      expect(sent).to.equal(0);
    });

    it('if it is not as long as is said, however sound', async () => {
      const { bytes, digest } = liferaftOf({ generation: 2 });
      for (const size of [bytes.length + 512, bytes.length - 512, 0])
        await refused('liferaft_invalid', bytes, { digest, size });
    });

    it('if it is compressed, however well', async () => {
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

  describe('is refused at whichever place it is harmed:', () => {
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

    it('with a block left out, or one put in, at each 1 % of its length', async () => {
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

  it('is refused if it is of another host than who sends it', async () => {
    const made = liferaftOf({ hostId: 'ae82a9a2', generation: 2 });
    await refused('liferaft_of_another_host', made.bytes, { digest: made.digest });
  });

  it('is refused if it has another digest than was said', async () => {
    const made = liferaftOf({ generation: 2 });
    await refused('liferaft_invalid', made.bytes, { digest: former.digest });
  });

  it('is refused if it is one that was sent before', async () => {
    await refused('liferaft_older', former.bytes, { digest: former.digest });
    await refused('liferaft_older', former.bytes, { digest: former.digest, rebuilt: true });
  });

  it('leaves no trace if its sender dies on the way', async () => {
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
