import { Header } from 'tar/header';
import { Pax } from 'tar/pax';

import { entryHeader, entryName, manifestName } from '../../src/alphorn/format/archive.ts';
import { manifestBytes } from '../../src/alphorn/format/manifest.ts';
import type { FileItem } from '../../src/alphorn/format/items.ts';
import { limits } from '../../src/alphorn/format/limits.ts';
import { archiveWith, entry, type MadeLiferaft, manifestOf } from './liferafts.ts';

// These archives begin with a valid manifest and do not match it. They test receivers of liferafts.

type HeaderFields = NonNullable<ConstructorParameters<typeof Header>[0]> & object;

/** A tar header of any kind. */
function header(fields: Exclude<HeaderFields, Buffer>): Buffer {
  const block = Buffer.alloc(512);
  new Header({ mode: 0o600, uid: 0, gid: 0, size: 0, ...fields }).encode(block, 0);
  return block;
}

/** A tar header of a kind that the library does not write. */
function ofKind(typeflag: string, path: string, size: number): Buffer {
  const block = header({ path, size, type: 'File' });
  block.write(typeflag, 156, 'latin1');
  // The sum of all bytes, with blanks in the place of the sum (pax(1), ustar).
  block.fill(' ', 148, 156);
  const sum = block.reduce((all, byte) => all + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

const hardLink = (path: string, linkpath: string) => header({ path, linkpath, type: 'Link' });
const symbolicLink = (path: string, linkpath: string) =>
  header({ path, linkpath, type: 'SymbolicLink' });

/** The manifest of all these archives: a second generation with one file. */
export const soundManifest = manifestOf({ generation: 2 });
const content = entry(entryName('/etc/hostname'), Buffer.from('node-a\n'));
const path = 'root/etc/hostname';
const target = '../outside';
const plain = entryHeader(entryName('/etc/hostname'), 7);
const body = content.subarray(512);

type Entries = readonly (readonly [what: string, entries: readonly Buffer[]])[];

/** Entries that would lead a tar out of its folder. Those from the tests of node-tar have their numbers. */
const escapes: Entries = [
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
    [header({ path: 'root/etc/', type: 'Directory' }), hardLink('root/etc/a/b/hostname', target)],
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

const kinds = [
  ['a folder', header({ path, type: 'Directory' })],
  ['a device of characters', header({ path, type: 'CharacterDevice', devmaj: 1, devmin: 3 })],
  ['a device of blocks', header({ path, type: 'BlockDevice', devmaj: 8, devmin: 0 })],
  ['a fifo', header({ path, type: 'FIFO' })],
  ['a contiguous file', header({ path, size: 7, type: 'ContiguousFile' })],
  ['a file of the old kind', header({ path, size: 7, type: 'OldFile' })],
  ['a sparse file of GNU', ofKind('S', path, 7)],
  ['a kind that nobody has', ofKind('?', path, 7)],
  ['a long name of GNU', header({ path: '././@LongLink', size: 7, type: 'NextFileHasLongPath' })],
  [
    'a long target of GNU',
    header({ path: '././@LongLink', size: 7, type: 'NextFileHasLongLinkpath' }),
  ],
  ['extended fields for all that follows', header({ path, size: 7, type: 'GlobalExtendedHeader' })],
] as const;

const headers: Entries = [
  [
    'another path in extended fields',
    [new Pax({ path: 'root/etc/../../outside' }).encode(), content],
  ],
  ['the same path in extended fields', [new Pax({ path: 'root/etc/hostname' }).encode(), content]],
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
  ['another owner', [header({ path: 'root/etc/hostname', size: 7, uid: 1, type: 'File' }), body]],
  [
    'another time',
    [header({ path: 'root/etc/hostname', size: 7, mtime: new Date(0), type: 'File' }), body],
  ],
  ['another size', [entryHeader('root/etc/hostname', 8), body]],
  ['a sum that is wrong', [Buffer.from(plain).fill('1', 148, 149), body]],
  ['something after its NULs', [Buffer.from(plain).fill('x', 505, 506), body]],
  ['something where its content is filled up', [plain, Buffer.from(body).fill('x', 511, 512)]],
];

const contents: Entries = [
  ['nothing of what its manifest names', []],
  ['a file that its manifest does not name', [content, entry('root/etc/x', Buffer.from('x'))]],
  ['a file twice', [content, content]],
  ['a second manifest', [entry(manifestName, manifestBytes(soundManifest)), content]],
  [
    'content other than in its manifest',
    [entry(entryName('/etc/hostname'), Buffer.from('node-b\n'))],
  ],
];

/** An archive and what is wrong with it. */
export interface HostileArchive extends MadeLiferaft {
  what: string;
}

const archivesOf = (table: Entries): HostileArchive[] =>
  table.map(([what, entries]) => ({ what, ...archiveWith(soundManifest, entries) }));

const [soundFile] = soundManifest.files;

export const hostileArchives = {
  escapes: archivesOf(escapes),
  kinds: kinds.flatMap(([what, block]) =>
    archivesOf([
      [what, [block, content]],
      [`${what} instead of the file`, [Buffer.concat([block, body])]],
    ]),
  ),
  headers: archivesOf(headers),
  contents: archivesOf(contents),
  /** A terabyte, according to its manifest. */
  sizes: archiveWith({ ...soundManifest, files: [{ ...(soundFile as FileItem), size: 2 ** 40 }] }, [
    entryHeader(entryName('/etc/hostname'), 2 ** 40),
  ]),
  /** More paths than a liferaft may have. */
  paths: archiveWith(
    {
      ...soundManifest,
      folders: [],
      files: Array.from({ length: limits.items + 1 }, (_, index) => ({
        ...(soundFile as FileItem),
        size: 0,
        path: `/${String(index).padStart(7, '0')}`,
      })),
    },
    [],
  ),
};
