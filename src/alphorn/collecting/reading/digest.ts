import { createHash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { readPieces } from '../../../kit/files/pieces.ts';
import { isUnchanged } from '../../../kit/files/unchanged.ts';
import { systemErrorCode } from '../../../kit/fault.ts';
import { isGone, unreadable } from '../walk/lookup.ts';

/**
 * A file that has just changed may change again without another time stamp, and so be read half old, half new. It is
 * read after it was quiet for longer than one tick of any kernel's clock.
 */
const quietMs = 20;
/** Bytes of one read of a file. */
const pieceBytes = 1024 * 1024;

/** The pause between two reads of a database: longer than a transaction takes. */
const databasePauseMs = 100;

/**
 * Whether a path is one of Samba's databases (tdb, or ldb on it). They are written to through memory, which changes no
 * time stamp while a page stays dirty, and triggers no watch. So they are read in each round. A new one is read until
 * two reads agree.
 */
export function writtenByMemory(path: string): boolean {
  return /\.[tl]db$/.test(path);
}

/** A path changed while it was read. */
export class Unsteady extends Error {
  readonly path: string;
  constructor(path: string) {
    super(`${path} changed while it was read`);
    this.path = path;
  }
}

/**
 * Reads a file.
 * @returns its digest, or why it is left out
 * @throws Unsteady if it changes meanwhile
 */
export async function digestOfFile(
  path: string,
  stats: Stats,
): Promise<{ sha256: string } | { why: string }> {
  let file;
  try {
    // These flags do not follow a link, and do not wait for a writer if the file is a fifo by now.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isGone(error) || systemErrorCode(error) === 'ELOOP') throw new Unsteady(path);
    return { why: unreadable(error) };
  }
  try {
    // A time far in the future only means that the clock was set back.
    const isQuiet = Math.abs(Date.now() - stats.ctimeMs) > quietMs;
    if (!isQuiet || !isUnchanged(await file.stat(), stats)) throw new Unsteady(path);
    const hash = createHash('sha256');
    const buffers = [Buffer.allocUnsafe(Math.min(pieceBytes, stats.size + 1))];
    let size = 0;
    for await (const piece of readPieces(file, { buffers })) {
      size += piece.length;
      hash.update(piece);
    }
    if (!isUnchanged(await file.stat(), stats)) throw new Unsteady(path);
    // Files of the kernel report arbitrary sizes.
    if (size !== stats.size) {
      return { why: `It has ${size} bytes, but reports ${stats.size}.` };
    }
    return { sha256: hash.digest('hex') };
  } catch (error) {
    if (error instanceof Unsteady) throw error;
    return { why: unreadable(error) };
  } finally {
    await file.close();
  }
}

/**
 * Reads a database. If its content has changed, it is read again after a pause, and both reads must agree.
 * @param former its former digest
 * @returns as digestOfFile
 * @throws Unsteady if the two reads differ
 */
export async function digestOfDatabase(
  path: string,
  stats: Stats,
  former: string | undefined,
): Promise<{ sha256: string } | { why: string }> {
  const first = await digestOfFile(path, stats);
  if ('why' in first || first.sha256 === former) return first;
  await delay(databasePauseMs);
  const second = await digestOfFile(path, stats);
  if ('why' in second || second.sha256 === first.sha256) return second;
  throw new Unsteady(path);
}
