import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { noSpaceOf } from '../../kit/fault.ts';
import { namesIn, statIfThere, syncFolder } from '../../kit/files/files.ts';
import { type BufferedWrites, bufferWrites } from '../../kit/files/buffered-writes.ts';

// A liferaft is written to a temporary file, which is renamed when all of it is on the disk. So even after a kill, or
// on a full disk, there is a whole one: the former or the new.

const unfinished = /^incoming-[0-9a-f]{12}\.part$/;

/** How a file is written. */
export interface NewFile<T> {
  folder: string;
  /** May fail; then nothing of the file is left. */
  write: (writes: BufferedWrites) => Promise<T>;
  nameOf: (written: T) => string;
  /** Called when all of it is on the disk. May fail as well. */
  beforeNamed: (written: T) => Promise<void>;
  /** Returns the name for an incomplete file after an error; undefined if the file is to be removed. */
  nameOfPart?: (error: unknown, bytes: number) => string | undefined;
}

/**
 * Writes a file, and gives it its name when it is complete.
 * Faults: `no_space`
 */
export async function writeNewFile<T>(newFile: NewFile<T>): Promise<T> {
  const { folder } = newFile;
  const temporary = join(folder, `incoming-${randomBytes(6).toString('hex')}.part`);
  try {
    await mkdir(folder, { recursive: true });
    // It holds secrets of hosts, whoever made the folder.
    await chmod(folder, 0o700);
    const written = await writeAndSync(temporary, newFile.write);
    await newFile.beforeNamed(written);
    await rename(temporary, join(folder, newFile.nameOf(written)));
    await syncFolder(folder);
    return written;
  } catch (error) {
    const bytes = (await statIfThere(temporary))?.size ?? 0;
    const part = newFile.nameOfPart?.(error, bytes);
    if (part !== undefined) await rename(temporary, join(folder, part)).catch(() => undefined);
    await rm(temporary, { force: true });
    throw noSpaceOf(error, `The next liferaft in ${folder}`) ?? error;
  }
}

/** Removes the temporary files of processes that were killed. */
export async function removeUnfinished(folder: string): Promise<void> {
  const names = await namesIn(folder);
  for (const name of names.filter((each) => unfinished.test(each))) {
    await rm(join(folder, name), { force: true });
  }
}

async function writeAndSync<T>(path: string, write: NewFile<T>['write']): Promise<T> {
  const file = await open(path, 'wx', 0o600);
  try {
    const writes = bufferWrites(file);
    let written;
    try {
      written = await write(writes);
    } catch (error) {
      // The file must not be closed before the last write to it has ended.
      await writes.end().catch(() => undefined);
      throw error;
    }
    await writes.end();
    await file.datasync();
    return written;
  } finally {
    await file.close();
  }
}
