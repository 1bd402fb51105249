import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

import { bufferBytes, type BufferedWrites } from '../../kit/files/buffered-writes.ts';
import { Fault, systemErrorCode } from '../../kit/fault.ts';
import { endOfArchive, entryHeader, entryName, manifestName, padding } from '../format/archive.ts';
import type { FileItem } from '../format/items.ts';
import { type LiferaftFile, openLiferaft } from '../format/liferaft-file.ts';
import type { Manifest } from '../format/manifest.ts';
import type { Collected } from './collect.ts';
import { Unsteady } from './reading/digest.ts';

/** @param from.kept the files whose content is that in the liferaft before, at `from.former` */
export async function writeLiferaft(
  manifest: Manifest,
  manifestRaw: Buffer,
  writes: BufferedWrites,
  from: { kept: Collected['kept']; former: string | undefined },
): Promise<void> {
  await writes.write(entryHeader(manifestName, manifestRaw.length));
  await writes.write(manifestRaw);
  await writes.write(padding(manifestRaw.length));
  const copy = makeCopier(writes);
  const former = from.kept.size > 0 ? await openFormer(from.former) : undefined;
  try {
    for (const file of manifest.files) {
      await writes.write(entryHeader(entryName(file.path), file.size));
      if (former && from.kept.has(file)) {
        for await (const piece of former.content(file)) await writes.write(piece);
      } else await copy(file);
      await writes.write(padding(file.size));
    }
  } finally {
    await former?.close();
  }
  await writes.write(endOfArchive);
}

/** Faults: `liferaft_damaged` if it is gone too */
async function openFormer(path = ''): Promise<LiferaftFile> {
  const file = await openLiferaft(path);
  if (file) return file;
  throw new Fault('liferaft_damaged', `${path} is gone. It is made again in the next round.`);
}

/** What it makes throws Unsteady if the file is no longer what the manifest says. */
function makeCopier(writes: BufferedWrites): (file: FileItem) => Promise<void> {
  // In turn: for each megabyte a buffer of its own would be as much garbage as there is content.
  let [buffer, other] = [Buffer.allocUnsafe(bufferBytes), Buffer.allocUnsafe(bufferBytes)];
  return async ({ path, size, sha256 }) => {
    // Neither another file behind a link nor, if it is a fifo by now, a wait for who writes to it.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const file = await orLookAgain(path, () => open(path, flags));
    try {
      const hash = createHash('sha256');
      for (let left = size; left > 0;) {
        const wanted = Math.min(buffer.length, left);
        const { bytesRead } = await orLookAgain(path, () => file.read(buffer, 0, wanted, null));
        if (bytesRead === 0) throw new Unsteady(path);
        left -= bytesRead;
        const piece = buffer.subarray(0, bytesRead);
        hash.update(piece);
        if (bytesRead === buffer.length) {
          await writes.write(piece);
          [buffer, other] = [other, buffer];
        } else {
          await writes.write(Buffer.from(piece));
        }
      }
      if (hash.digest('hex') !== sha256) throw new Unsteady(path);
    } finally {
      await file.close();
    }
  };
}

/**
 * Reads a file that was as it is when it was looked at last. One that cannot be read by now, such as of a disk that
 * fails, is looked at again in the next try, which leaves it as it was and says why.
 * @throws Unsteady
 */
async function orLookAgain<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw systemErrorCode(error) === undefined ? error : new Unsteady(path);
  }
}
