import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

import { bufferBytes, type BufferedWrites } from '../../kit/files/buffered-writes.ts';
import { Fault, systemErrorCode } from '../../kit/fault.ts';
import { type Pieces, readPieces } from '../../kit/files/pieces.ts';
import { endOfArchive, entryHeader, entryName, manifestName, padding } from '../format/archive.ts';
import type { FileItem } from '../format/items.ts';
import { type LiferaftFile, openLiferaft } from '../format/liferaft-file.ts';
import type { Manifest } from '../format/manifest.ts';
import type { Collected } from './collect.ts';
import { Unsteady } from './reading/digest.ts';

/**
 * Writes the archive of a manifest.
 * @param from.carriedOver the files whose content is read from the former liferaft, at the path `from.former`
 * @throws Unsteady if a file is no longer what the manifest says
 */
export async function writeLiferaft(
  manifest: Manifest,
  manifestRaw: Buffer,
  writes: BufferedWrites,
  from: { carriedOver: Collected['carriedOver']; former: string | undefined },
): Promise<void> {
  await writes.write(entryHeader(manifestName, manifestRaw.length));
  await writes.write(manifestRaw);
  await writes.write(padding(manifestRaw.length));
  const copy = makeCopier(writes);
  const former = from.carriedOver.size > 0 ? await openFormer(from.former) : undefined;
  try {
    for (const file of manifest.files) {
      await writes.write(entryHeader(entryName(file.path), file.size));
      if (former && from.carriedOver.has(file)) {
        for await (const piece of former.content(file)) await writes.write(Buffer.from(piece));
      } else await copy(file);
      await writes.write(padding(file.size));
    }
  } finally {
    await former?.close();
  }
  await writes.write(endOfArchive);
}

/** Faults: `liferaft_damaged`, also if it is gone */
async function openFormer(path = ''): Promise<LiferaftFile> {
  const file = await openLiferaft(path);
  if (file) return file;
  throw new Fault('liferaft_damaged', `${path} is gone. The next round makes it again.`);
}

/** @returns a function that copies a file, and throws Unsteady if it is no longer what the manifest says */
function makeCopier(writes: BufferedWrites): (file: FileItem) => Promise<void> {
  // Two buffers take turns: a new one for each megabyte would make as much garbage as there is content.
  const buffers: [Buffer] = [Buffer.allocUnsafe(bufferBytes)];
  let other: Buffer = Buffer.allocUnsafe(bufferBytes);
  return async ({ path, size, sha256 }) => {
    // These flags do not follow a link, and do not wait for a writer if the file is a fifo by now.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const file = await open(path, flags).catch((error: unknown) => {
      throw unsteadyOf(path, error);
    });
    try {
      const hash = createHash('sha256');
      let left = size;
      for await (const piece of steadyPieces(path, file, { length: size, buffers })) {
        left -= piece.length;
        hash.update(piece);
        if (piece.length === bufferBytes) {
          await writes.write(piece);
          [buffers[0], other] = [other, buffers[0]];
        } else {
          await writes.write(Buffer.from(piece));
        }
      }
      if (left > 0) throw new Unsteady(path);
      if (hash.digest('hex') !== sha256) throw new Unsteady(path);
    } finally {
      await file.close();
    }
  };
}

async function* steadyPieces(
  path: string,
  file: FileHandle,
  pieces: Pieces,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* readPieces(file, pieces);
  } catch (error) {
    throw unsteadyOf(path, error);
  }
}

/** The file could be read a moment ago. The next attempt looks at it again, leaves it as it was, and reports why. */
function unsteadyOf(path: string, error: unknown): unknown {
  return systemErrorCode(error) === undefined ? error : new Unsteady(path);
}
