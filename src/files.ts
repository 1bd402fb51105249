import { randomBytes } from 'node:crypto';
import { link, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

import { systemErrorCode } from './errors.ts';

/** The file's text, or undefined if there is no such file. */
export async function readTextIfThere(path: string): Promise<string | undefined> {
  return (await readFileIfThere(path))?.toString('utf8');
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

/**
 * Puts a whole new file in the place of `path`, whether or not there was one. Whoever reads it, also
 * after a power cut, finds the old content or the new, never a part.
 */
export async function replaceFile(path: string, content: string, mode: number): Promise<void> {
  await writeWhole(path, content, mode, (temporary) => rename(temporary, path));
}

/**
 * Makes the file `path` whole, or throws `EEXIST` and leaves the one that is there: of two callers at
 * the same time one wins.
 */
export async function createFile(path: string, content: string, mode: number): Promise<void> {
  await writeWhole(path, content, mode, (temporary) => link(temporary, path));
}

/**
 * Puts a line at the end of the file, which is made when there is none. It is on the disk when this
 * returns. A line that a crash cut short stays as it is, and this one begins on its own. Of one file
 * one append at a time: two at once may leave an empty line between.
 * @param line without its line break
 */
export async function appendLine(path: string, line: string, mode: number): Promise<void> {
  const file = await open(path, 'a+', mode);
  try {
    const { size } = await file.stat();
    const { buffer } = await file.read({
      buffer: Buffer.alloc(1),
      position: Math.max(0, size - 1),
    });
    const isWhole = size === 0 || buffer.toString() === '\n';
    await file.appendFile(`${isWhole ? '' : '\n'}${line}\n`);
    await file.sync();
    // A new file's name has to get to the disk as well.
    if (size === 0) await syncFolder(dirname(path));
  } finally {
    await file.close();
  }
}

/** Removes the file for good, or throws `ENOENT`. */
export async function removeFile(path: string): Promise<void> {
  await rm(path);
  await syncFolder(dirname(path));
}

async function writeWhole(
  path: string,
  content: string,
  mode: number,
  putInPlace: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.new`;
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await putInPlace(temporary);
    await syncFolder(dirname(path));
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Without this the new name itself may be lost in a power cut. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
