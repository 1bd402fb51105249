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

// Each function that writes throws a fault `no_space` if there is no room, and then leaves everything as it was.

/** Runs work that writes. Faults: `no_space` for `path`, those of the work */
export async function orNoSpace<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw noSpaceOf(error, path) ?? error;
  }
}

/**
 * What was looked up, or undefined if there is no such file.
 * @param codes the system's errors that say so
 */
export async function ifThere<T>(
  looking: Promise<T>,
  codes: readonly string[] = ['ENOENT'],
): Promise<T | undefined> {
  try {
    return await looking;
  } catch (error) {
    if (codes.includes(systemErrorCode(error) ?? '')) return undefined;
    throw error;
  }
}

/** Makes a folder that only root can access, and missing folders above it. */
export async function makeFolder(path: string): Promise<void> {
  await orNoSpace(path, () => mkdir(path, { recursive: true, mode: 0o700 }));
}

/** The file's text, or undefined if there is no such file. */
export async function readTextIfThere(path: string): Promise<string | undefined> {
  return (await readFileIfThere(path))?.toString('utf8');
}

/** The same for a file of at most `maxBytes`; false if it is larger, and then it is not read. */
export async function readTextUpTo(
  path: string,
  maxBytes: number,
): Promise<string | false | undefined> {
  const found = await statIfThere(path);
  return found && found.size > maxBytes ? false : readTextIfThere(path);
}

/** The file's bytes, or undefined if there is no such file. */
export function readFileIfThere(path: string): Promise<Buffer | undefined> {
  return ifThere(readFile(path));
}

/** The file, opened to be read, or undefined if there is no such file. */
export function openIfThere(path: string): Promise<FileHandle | undefined> {
  return ifThere(open(path, 'r'));
}

/** The names in a folder; empty if there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  return (await ifThere(readdir(folder))) ?? [];
}

/**
 * Replaces the file `path`, or makes it. A reader finds the whole old content or the whole new content, even after a
 * power cut.
 */
export async function replaceFile(
  path: string,
  content: string | Buffer,
  mode: number,
): Promise<void> {
  await writeWhole(path, content, mode, (temporary) => rename(temporary, path));
}

/**
 * The same for a file that others own: it keeps its mode and owner, and its former content is in `PATH.previous`
 * afterwards. Calls for one file must not overlap. A leftover `PATH.new` from a killed call is harmless; the next call
 * removes it.
 * @param mode for a file that does not exist yet
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

/** Gives the file a second name, replacing any file of that name. */
async function keepAs(path: string, name: string): Promise<void> {
  const temporary = `${name}.new`;
  try {
    await rm(temporary, { force: true });
    await link(path, temporary);
    await rename(temporary, name);
  } finally {
    // rename(2) leaves both names if they are one file already.
    await rm(temporary, { force: true });
  }
}

/** The file's metadata (stat(2)), or undefined if there is no such file. */
export function statIfThere(path: string): Promise<Stats | undefined> {
  return ifThere(stat(path));
}

/** The same for a symbolic link itself, not its target (lstat(2)). */
export function lstatIfThere(path: string): Promise<Stats | undefined> {
  return ifThere(lstat(path));
}

/**
 * Makes the whole file `path`, or throws `EEXIST` and leaves the one that exists. If two callers try at the same time,
 * one wins.
 */
export async function createFile(path: string, content: string, mode: number): Promise<void> {
  await writeWhole(path, content, mode, (temporary) => link(temporary, path));
}

/**
 * Appends a line to the file, which is made if there is none. A line that a crash cut short stays as it is, and this one
 * begins on a new line. Appends to one file must not overlap, up to the end of `onDisk`: they may leave an empty line
 * between them.
 * @param line without its line break
 * @returns when the line is written and survives this process; `onDisk` is fulfilled when it survives a power cut
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
    // The name of a new file has to reach the disk as well.
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

/** How much of a file is in memory while it is read from its end, unless a line is longer. */
const blockBytes = 64 * 1024;

/**
 * The lines of a file, last line first, without line breaks and empty lines. The event loop runs between two blocks.
 * @param size where the file ends, in bytes
 */
export async function* linesFromEnd(file: FileHandle, size: number): AsyncGenerator<string> {
  // What was read so far of the line that begins before the current block.
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

/** Removes the file, so that it stays removed after a power cut, or throws `ENOENT`. */
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
      // open(2) would apply the umask of the process.
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
    // A disk that has become read-only must not hide the first error.
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** The name of the file that becomes `PATH`; it holds the id of the process that writes it. */
const temporaryName = /\.(\d+)-[0-9a-f]{12}\.new$/;

/**
 * Removes temporary files that killed processes left. Those of running processes stay.
 * @param folder only files directly in it are removed; it need not exist
 */
export async function removeTemporaries(folder: string): Promise<void> {
  for (const name of await namesIn(folder)) {
    const pid = temporaryName.exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    await rm(join(folder, name), { force: true });
  }
}

/** Syncs a folder. Without this, a new name in it may be lost in a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
