import { createHash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { readPieces } from '../../../kit/files/pieces.ts';
import { isUnchanged } from '../../../kit/files/unchanged.ts';
import { systemErrorCode } from '../../../kit/fault.ts';
import { isGone, unreadable } from '../walk/lookup.ts';

/**
 * A file that changed so shortly before it is read may change again without another time stamp, and so be read half as
 * it was and half as it is. It is read when it has been quiet for longer than the clock of any kernel needs to go on.
 */
const quietMs = 20;
/** Of one read of a file. */
const pieceBytes = 1024 * 1024;

/** Between two reads of a database: longer than a transaction takes. */
const databasePauseMs = 100;

/**
 * Samba's databases (tdb, and ldb on it). They are written to through memory, which moves no time stamp while a page
 * stays dirty, and tells no watch: they are read in each round, and when they are new, until two reads are the same.
 */
export function writtenByMemory(path: string): boolean {
  return /\.[tl]db$/.test(path);
}

/** Of what changed while it was looked at. */
export class Unsteady extends Error {
  readonly path: string;
  constructor(path: string) {
    super(`${path} changed while it was read`);
    this.path = path;
  }
}

/**
 * Reads a file that has to stay as it is for that long.
 * @returns its digest, or why it is left out
 */
export async function digestOfFile(
  path: string,
  stats: Stats,
): Promise<{ sha256: string } | { why: string }> {
  let file;
  try {
    // Neither another file behind a link nor, if it is a fifo by now, a wait for who writes to it.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isGone(error) || systemErrorCode(error) === 'ELOOP') throw new Unsteady(path);
    return { why: unreadable(error) };
  }
  try {
    // Far in the future is where the clock was put back, and says nothing.
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
    // Files of the kernel say any size.
    if (size !== stats.size) {
      return { why: `It has ${size} bytes and says that it has ${stats.size}.` };
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
 * Reads a database; one with another content than before is read again after a while, and has to be the same.
 * @param former its digest as of before
 * @returns as digestOfFile
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
