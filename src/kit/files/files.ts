import { randomBytes } from 'node:crypto';
import { existsSync, type Stats } from 'node:fs';
import {
  chown,
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { noSpaceOf, systemErrorCode } from '../fault.ts';

// Each function that writes throws a fault `no_space` where there is no room, and leaves all as it was.

/** Writes something. Faults: `no_space` for `path`, those of the work */
export async function orNoSpace<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw noSpaceOf(error, path) ?? error;
  }
}

/** Makes a folder for root alone, and those above it, where they are not there yet. */
export async function makeFolder(path: string): Promise<void> {
  await orNoSpace(path, () => mkdir(path, { recursive: true, mode: 0o700 }));
}

/** The file's text, or undefined if there is no such file. */
export async function readTextIfThere(path: string): Promise<string | undefined> {
  return (await readFileIfThere(path))?.toString('utf8');
}

/** The same of a file of at most so many bytes; false if it has more, which are not read then. */
export async function readTextUpTo(
  path: string,
  maxBytes: number,
): Promise<string | false | undefined> {
  const found = await statIfThere(path);
  return found && found.size > maxBytes ? false : readTextIfThere(path);
}

/** The file's bytes, or undefined if there is no such file. */
export async function readFileIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The file, opened to be read, or undefined if there is no such file. */
export async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The names in a folder, none if there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/**
 * Puts a whole new file in the place of `path`, whether or not there was one. Whoever reads it, also
 * after a power cut, finds the old content or the new, never a part.
 */
export async function replaceFile(
  path: string,
  content: string | Buffer,
  mode: number,
): Promise<void> {
  await writeWhole(path, content, mode, (temporary) => rename(temporary, path));
}

/**
 * The same for a file that others own: it keeps its mode and owner, and its former content is in
 * `PATH.previous` afterwards. Of one file one call at a time: what a kill left of the one before, `PATH.new`,
 * is in the way of none, and goes with the next.
 * @param mode of a file that is not there yet
 */
export async function replaceKeepingPrevious(
  path: string,
  content: string | Buffer,
  mode: number,
): Promise<void> {
  const former = await statIfThere(path);
  const owner = former && { uid: former.uid, gid: former.gid };
  const formerMode = former && former.mode & 0o7777;
  const temporary = `${path}.new`;
  await orNoSpace(path, () => rm(temporary, { force: true }));
  await writeTemporary(temporary, path, content, formerMode ?? mode, async () => {
    if (owner) await chown(temporary, owner.uid, owner.gid);
    if (former) await keepAs(path, `${path}.previous`);
    await rename(temporary, path);
  });
}

/** A second name for the file, in the place of what had that name. */
async function keepAs(path: string, name: string): Promise<void> {
  const temporary = `${name}.new`;
  try {
    await rm(temporary, { force: true });
    await link(path, temporary);
    await rename(temporary, name);
  } finally {
    // rename(2) leaves both where they are one file already.
    await rm(temporary, { force: true });
  }
}

/** The file's metadata (stat(2)), or undefined if there is no such file. */
export async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The same of what has that name itself, not of what a link points to (lstat(2)). */
export async function lstatIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Makes the file `path` whole, or throws `EEXIST` and leaves the one that is there: of two callers at
 * the same time one wins.
 */
export async function createFile(path: string, content: string, mode: number): Promise<void> {
  await writeWhole(path, content, mode, (temporary) => link(temporary, path));
}

/**
 * Puts a line at the end of the file, which is made when there is none. A line that a crash cut short stays as it
 * is, and this one begins on its own. Of one file one append at a time, to the end of `onDisk`: two at once may
 * leave an empty line between.
 * @param line without its line break
 * @returns when it is written, which outlives this process; `onDisk` is fulfilled when it outlives a power cut
 */
export async function appendLine(
  path: string,
  line: string,
  mode: number,
): Promise<{ onDisk: Promise<void> }> {
  const file = await orNoSpace(path, () => open(path, 'a+', mode));
  try {
    const { size } = await file.stat();
    const { buffer } = await file.read({
      buffer: Buffer.alloc(1),
      position: Math.max(0, size - 1),
    });
    const isWhole = size === 0 || buffer.toString() === '\n';
    await file.appendFile(`${isWhole ? '' : '\n'}${line}\n`);
    // A new file's name has to get to the disk as well.
    const folder = size === 0 ? dirname(path) : undefined;
    return { onDisk: orNoSpace(path, () => syncAndClose(file, folder)) };
  } catch (error) {
    await file.close();
    throw noSpaceOf(error, path) ?? error;
  }
}

async function syncAndClose(file: FileHandle, folder: string | undefined): Promise<void> {
  try {
    await file.sync();
    if (folder !== undefined) await syncFolder(folder);
  } finally {
    await file.close();
  }
}

/** How much of a file is in memory while it is read from its end, except for a line that is longer. */
const blockBytes = 64 * 1024;

/**
 * The lines of a file from its end, the last first, without line breaks and without empty ones. The event loop gets its
 * turn between two blocks.
 * @param size where the file ends, in bytes
 */
export async function* linesFromEnd(file: FileHandle, size: number): AsyncGenerator<string> {
  // The line that begins in a block before this one, as far as it was read.
  let pieces: Buffer[] = [];
  const line = () => Buffer.concat(pieces).toString('utf8');
  for (let end = size; end > 0; end -= Math.min(end, blockBytes)) {
    const start = Math.max(0, end - blockBytes);
    const { buffer, bytesRead } = await file.read({
      buffer: Buffer.alloc(end - start),
      position: start,
    });
    let block = buffer.subarray(0, bytesRead);
    for (;;) {
      const newline = block.lastIndexOf(0x0a);
      if (newline < 0) break;
      pieces.unshift(block.subarray(newline + 1));
      const whole = line();
      if (whole !== '') yield whole;
      pieces = [];
      block = block.subarray(0, newline);
    }
    pieces.unshift(block);
  }
  const first = line();
  if (first !== '') yield first;
}

/** Removes the file for good, or throws `ENOENT`. */
export async function removeFile(path: string): Promise<void> {
  await orNoSpace(path, () => rm(path));
  await syncFolder(dirname(path));
}

async function writeWhole(
  path: string,
  content: string | Buffer,
  mode: number,
  putInPlace: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = `${path}.${process.pid}-${randomBytes(6).toString('hex')}.new`;
  await writeTemporary(temporary, path, content, mode, () => putInPlace(temporary));
}

async function writeTemporary(
  temporary: string,
  path: string,
  content: string | Buffer,
  mode: number,
  putInPlace: () => Promise<void>,
): Promise<void> {
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      // Not left to open(2), which takes away what the process's mask says.
      await file.chmod(mode);
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await putInPlace();
    await syncFolder(dirname(path));
  } catch (error) {
    throw noSpaceOf(error, path) ?? error;
  } finally {
    // Also a disk that is read-only by now must not hide what went wrong.
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** The name of the file that becomes `PATH`, and in it the process that writes it. */
const temporaryName = /\.(\d+)-[0-9a-f]{12}\.new$/;

/**
 * Removes the files that killed processes had not put in place. Those of processes that run are left alone.
 * @param folder only the files directly in it; it need not be there
 */
export async function removeTemporaries(folder: string): Promise<void> {
  for (const name of await namesIn(folder)) {
    const pid = temporaryName.exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    await rm(join(folder, name), { force: true });
  }
}

/** Without this the new name itself may be lost in a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
