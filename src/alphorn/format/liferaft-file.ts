import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';

import { Fault } from '../../kit/fault.ts';
import { openIfThere } from '../../kit/files/files.ts';
import { readPieces } from '../../kit/files/pieces.ts';
import { entryHeader, layoutOf, manifestName } from './archive.ts';
import { type CheckedLiferaft, makeLiferaftCheck } from './check.ts';
import {
  digestOf,
  laterHeadOf,
  type Manifest,
  type ManifestHead,
  parseManifest,
} from './manifest.ts';
import type { FileItem } from './items.ts';
import { limits } from './limits.ts';

/** A liferaft on the disk, open for reading. */
export interface LiferaftFile {
  manifest: Manifest;
  digest: string;
  /** Bytes of the whole archive. */
  size: number;
  /** When its host last confirmed it; at first, when it was stored. */
  seenAt: Date;
  /**
   * Reads one of its files in pieces; each is valid until the next is asked for. The content is known to match the
   * manifest only after the last piece.
   * Faults: `liferaft_damaged`
   */
  content(file: FileItem): AsyncGenerator<Buffer, void, undefined>;
  /**
   * Fills a buffer with bytes of the archive, unchecked.
   * @param at the position in the archive
   * @returns how many bytes were read
   * Faults: `liferaft_damaged` if no bytes are left
   */
  readInto(buffer: Buffer, at: number): Promise<number>;
  /** Reads the whole archive in pieces, unchecked. Faults: `liferaft_damaged` */
  bytes(): AsyncGenerator<Buffer, void, undefined>;
  /** Checks each byte. Faults: `liferaft_damaged` */
  check(): Promise<CheckedLiferaft>;
  close(): Promise<void>;
}

/** Max bytes of one read. */
const pieceBytes = 1024 * 1024;

/**
 * Opens a liferaft and reads its manifest.
 * @param hostId the id of its host; any host if it is left out
 * @returns undefined if there is no such file
 * Faults: `liferaft_damaged`, `liferaft_of_later_format`
 */
export async function openLiferaft(
  path: string,
  hostId?: string,
): Promise<LiferaftFile | undefined> {
  const handle = await openIfThere(path);
  if (handle === undefined) return undefined;
  try {
    return await readLiferaft(path, handle, hostId);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Reads the head of a liferaft of a later format, which cannot be opened.
 * @returns undefined if it can be opened, is damaged or is missing
 */
export async function readLaterHead(
  path: string,
): Promise<(ManifestHead & { digest: string }) | undefined> {
  const handle = await openIfThere(path);
  if (handle === undefined) return undefined;
  try {
    const bytes = await readManifestBytes(path, handle);
    const head = laterHeadOf(bytes);
    return head && { ...head, digest: digestOf(bytes) };
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  } finally {
    await handle.close();
  }
}

async function readLiferaft(
  path: string,
  handle: FileHandle,
  hostId: string | undefined,
): Promise<LiferaftFile> {
  const stats = await handle.stat();
  if (!stats.isFile()) throw damaged(path, 'It is no file.');
  const { size, mtime } = stats;
  const manifestRaw = await readManifestBytes(path, handle);
  const manifest = orDamaged(path, () => parseManifest(manifestRaw));
  const layout = layoutOf(manifest);
  if (layout.size !== size) throw damaged(path, 'It is not as long as its manifest says.');
  if (hostId !== undefined && manifest.host.id !== hostId) {
    throw damaged(path, `It is of the host ${manifest.host.id}.`);
  }
  const starts = new Map(layout.places.map(({ file, start }) => [file.path, start]));
  const digest = digestOf(manifestRaw);

  async function readInto(buffer: Buffer, at: number): Promise<number> {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) throw damaged(path, 'It ends too early.');
    return bytesRead;
  }

  async function* pieces(start: number, length: number): AsyncGenerator<Buffer, void, undefined> {
    const buffers = [Buffer.allocUnsafe(Math.min(pieceBytes, length))];
    let left = length;
    for await (const piece of readPieces(handle, { start, length, buffers })) {
      left -= piece.length;
      yield piece;
    }
    if (left > 0) throw damaged(path, 'It ends too early.');
  }

  return {
    manifest,
    digest,
    size,
    seenAt: mtime,
    readInto,
    async *content(file) {
      const hash = createHash('sha256');
      for await (const piece of pieces(starts.get(file.path) ?? size, file.size)) {
        hash.update(piece);
        yield piece;
      }
      if (hash.digest('hex') !== file.sha256) {
        throw damaged(path, `${file.path} in it has another digest than its manifest says.`);
      }
    },
    bytes: () => pieces(0, size),
    async check() {
      const check = makeLiferaftCheck({ digest, maxBytes: size });
      for await (const piece of pieces(0, size)) {
        orDamaged(path, () => {
          check.write(piece);
        });
      }
      return orDamaged(path, () => check.end());
    },
    close: () => handle.close(),
  };
}

async function readManifestBytes(path: string, handle: FileHandle): Promise<Buffer> {
  // A header has 512 bytes. The length of the manifest is at 124, in octal (pax(1), ustar).
  const header = Buffer.alloc(512);
  await handle.read(header, 0, header.length, 0);
  const length = Number.parseInt(header.toString('latin1', 124, 136), 8);
  if (
    !(length > 0 && length <= limits.manifest) ||
    !entryHeader(manifestName, length).equals(header)
  ) {
    throw damaged(path, 'It does not begin with a manifest.');
  }
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await handle.read(bytes, 0, length, header.length);
  if (bytesRead < length) throw damaged(path, 'It ends too early.');
  return bytes;
}

function orDamaged<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Fault) || error.code === 'liferaft_of_later_format') throw error;
    throw damaged(path, error.message);
  }
}

function damaged(path: string, why: string): Fault {
  return new Fault(
    'liferaft_damaged',
    `${path} is damaged. ${why} Nothing was done with it. Delete it; its host sends it again within its interval.`,
  );
}
