import { Header } from 'tar/header';
import { Pax } from 'tar/pax';

import { type Manifest, manifestBytes } from './manifest.ts';
import type { FileItem } from './items.ts';

// A liferaft is a tar (POSIX.1-2001, "pax") that any tar can read: first `manifest.json`, then the files of the
// manifest in its order, below `root/`. Every byte except the files' content follows from the manifest. So the same
// content always makes the same bytes, and a check only has to compare. A link, a device, a path that climbs, or a
// header for something else differs from the expected bytes.

const blockBytes = 512;
export const manifestName = 'manifest.json';
const filesFolder = 'root';
/** Two blocks of zeros (pax(1), "ustar Interchange Format"). */
export const endOfArchive = Buffer.alloc(2 * blockBytes);

/** The blocks before an entry's content. */
export function entryHeader(name: string, size: number): Buffer {
  // The manifest has the owners, modes and times.
  const fields = { path: name, size, type: 'File', mode: 0o600, uid: 0, gid: 0 } as const;
  const block = Buffer.alloc(blockBytes);
  const needsPax = new Header(fields).encode(block, 0);
  // A name that is long, or not ASCII, needs a block of its own before this one.
  return needsPax ? Buffer.concat([new Pax({ path: name }).encode(), block]) : block;
}

/** The zeros that fill an entry's content up to whole blocks. */
export function padding(size: number): Buffer {
  return Buffer.alloc((blockBytes - (size % blockBytes)) % blockBytes);
}

/** The name of a file's entry. */
export function entryName(path: string): string {
  return `${filesFolder}${path}`;
}

/** The position of a file's content in the archive. */
export interface Place {
  file: FileItem;
  /** Bytes from the archive's beginning. */
  start: number;
}

/** The positions of all files in the archive of a manifest. */
export interface Layout {
  places: readonly Place[];
  /** Bytes of the whole archive. */
  size: number;
}

export function layoutOf(manifest: Manifest): Layout {
  let at = partSize(manifestName, manifestBytes(manifest).length);
  const places = manifest.files.map((file) => {
    const start = at + entryHeader(entryName(file.path), file.size).length;
    at += partSize(entryName(file.path), file.size);
    return { file, start };
  });
  return { places, size: at + endOfArchive.length };
}

function partSize(name: string, size: number): number {
  return entryHeader(name, size).length + size + padding(size).length;
}
