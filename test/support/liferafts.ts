import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  endOfArchive,
  entryHeader,
  entryName,
  manifestName,
  padding,
} from '../../src/alphorn/format/archive.ts';
import {
  digestOf,
  formatOf,
  type Manifest,
  manifestBytes,
} from '../../src/alphorn/format/manifest.ts';
import { byPath, parentsOf } from '../../src/alphorn/format/paths.ts';
import type { FileItem, FolderItem, Owned } from '../../src/alphorn/format/items.ts';

/** What a test sets in a liferaft; the rest has defaults. */
export interface Described {
  host?: Partial<Manifest['host']>;
  lineage?: string;
  generation?: number;
  /** The content of each file, or more of its properties, by path. */
  files?: Readonly<
    Record<
      string,
      FileContent | ({ content: FileContent } & Partial<Owned> & Pick<FileItem, 'acl'>)
    >
  >;
  /** The target of each link, or more of its properties, by path. */
  links?: Readonly<Record<string, string | ({ target: string } & Partial<Omit<Owned, 'mode'>>)>>;
  /** Folders by path; by default those of the files and links. */
  folders?: Readonly<Record<string, Partial<Omit<FolderItem, 'path'>>>>;
  /** What is missing; by default nothing. */
  lacking?: Manifest['lacking'];
}

type FileContent = string | Buffer;

export interface MadeLiferaft {
  manifest: Manifest;
  digest: string;
  bytes: Buffer;
}

export const someHost = '5e7638bc';
export const someLineage = '0123456789abcdef0123456789abcdef';

const owner = { uid: 0, gid: 0, user: 'root', group: 'root' };

export function manifestOf(described: Described): Manifest {
  return describedLiferaft(described).manifest;
}

/** A valid liferaft, as the host would have sent it. */
export function liferaftOf(described: Described = {}): MadeLiferaft {
  const { manifest, contents } = describedLiferaft(described);
  const entries = manifest.files.map(({ path }) =>
    entry(entryName(path), contents.get(path) ?? Buffer.alloc(0)),
  );
  return archiveWith(manifest, entries);
}

/** Stores the liferaft of a lost host next to those of other hosts. @returns its name */
export async function storeLiferaft(folder: string, described: Described): Promise<string> {
  const { manifest, bytes } = liferaftOf({ host: lostHost, ...described });
  const name = `liferaft_${manifest.host.id}.tar`;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), bytes);
  return name;
}

export const lostHost = { id: '1234abcd', name: 'lost' };

function describedLiferaft({
  host,
  lineage = someLineage,
  generation = 1,
  files = { '/etc/hostname': 'node-a\n' },
  links = {},
  folders,
  lacking,
}: Described): { manifest: Manifest; contents: ReadonlyMap<string, Buffer> } {
  const contents = new Map<string, Buffer>();
  const ownedFiles = Object.entries(files).map(([path, described]) => {
    const isContent = typeof described === 'string' || Buffer.isBuffer(described);
    const { content, ...owned } = isContent ? { content: described } : described;
    const bytes = Buffer.from(content);
    contents.set(path, bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { path, size: bytes.length, sha256, mode: 0o644, ...owner, ...owned };
  });
  const ownedLinks = Object.entries(links).map(([path, link]) => ({
    path,
    ...owner,
    ...(typeof link === 'string' ? { target: link } : link),
  }));
  const paths = [...ownedFiles, ...ownedLinks].flatMap(({ path }) => parentsOf(path));
  const ownedFolders = Object.entries(
    folders ?? Object.fromEntries(paths.map((path) => [path, {}])),
  );
  const sortedFolders = ownedFolders
    .map(([path, owned]) => ({ path, mode: 0o755, ...owner, ...owned }))
    .sort(byPath);
  const manifest: Manifest = {
    format: formatOf({ folders: sortedFolders, files: ownedFiles, lacking }),
    host: { id: someHost, name: 'node-a', ...host },
    lineage,
    generation,
    time: '2026-01-02T03:04:05.678Z',
    folders: sortedFolders,
    files: ownedFiles.sort(byPath),
    links: ownedLinks.sort(byPath),
    ...(lacking && { lacking }),
  };
  return { manifest, contents };
}

/** An archive of that manifest, followed by any bytes. */
export function archiveWith(manifest: Manifest, entries: readonly Buffer[]): MadeLiferaft {
  const raw = manifestBytes(manifest);
  return { manifest, digest: digestOf(raw), bytes: archiveOf(raw, entries) };
}

/** The same for a manifest that may be invalid. */
export function archiveOf(manifestRaw: Buffer, entries: readonly Buffer[]): Buffer {
  return Buffer.concat([entry(manifestName, manifestRaw), ...entries, endOfArchive]);
}

export function entry(name: string, content: Buffer): Buffer {
  return Buffer.concat([entryHeader(name, content.length), content, padding(content.length)]);
}

/** The bytes in pieces, as from a connection. */
export async function* inPieces(bytes: Buffer, size = 16_384): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < bytes.length; at += size) {
    yield Buffer.from(bytes.subarray(at, at + size));
    await Promise.resolve();
  }
}
