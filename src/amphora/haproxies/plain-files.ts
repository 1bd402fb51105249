import { constants, type Stats } from 'node:fs';
import { chmod, type FileHandle, lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { Fault } from '../../kit/fault.ts';
import {
  ifThere,
  lstatIfThere,
  orNoSpace,
  replaceFile,
  syncFolder,
} from '../../kit/files/files.ts';

// Anything below the base folder may have been put there by somebody else. So a folder is opened without following links,
// and what is done in it goes by way of that open folder: a link in its place later changes nothing.

const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const fileFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Makes a folder unless it is there.
 * Faults: `amphora_file_foreign` if something else has its name; `no_space`
 */
export async function makePlainFolder(path: string): Promise<void> {
  await orNoSpace(path, () =>
    mkdir(path, { mode: 0o755 }).catch(async (error: unknown) => {
      if ((await lstatIfThere(path))?.isDirectory() !== true) {
        throw (await lstatIfThere(path)) ? foreign(path) : error;
      }
    }),
  );
}

/**
 * The same for a folder that others may read, whatever the umask and its mode so far.
 * Faults: `amphora_file_foreign`, `no_space`
 */
export async function makeOpenFolder(path: string): Promise<void> {
  await makePlainFolder(path);
  await inPlainFolder(path, (folder) => chmod(folder, 0o755));
}

/**
 * Runs work in a folder that is open meanwhile.
 * @param work gets a path of the folder that is valid in this process and as long as the work runs
 * @returns undefined if there is no such folder, or a link in its place
 */
export async function inPlainFolder<T>(
  path: string,
  work: (folder: string) => Promise<T>,
): Promise<T | undefined> {
  // ENOTDIR: O_DIRECTORY finds a link or a file; ELOOP: O_NOFOLLOW finds a link.
  const folder = await ifThere(open(path, folderFlags), ['ENOENT', 'ENOTDIR', 'ELOOP']);
  if (folder === undefined) return undefined;
  try {
    return await work(`/proc/self/fd/${folder.fd}`);
  } finally {
    await folder.close();
  }
}

/** A file's content. @returns undefined if there is none, or a link or anything else in its place */
export async function readPlainFile(path: string): Promise<Buffer | undefined> {
  return inPlainFolder(dirname(path), async (folder) => {
    const file = await ifThere(open(join(folder, nameIn(path)), fileFlags), ['ENOENT', 'ELOOP']);
    return file && readAndClose(file);
  });
}

async function readAndClose(file: FileHandle): Promise<Buffer | undefined> {
  try {
    return (await file.stat()).isFile() ? await file.readFile() : undefined;
  } finally {
    await file.close();
  }
}

/** The metadata of a plain file; undefined if there is none, or anything else in its place. */
export async function plainFileIfThere(path: string): Promise<Stats | undefined> {
  const found = await ifThere(lstat(path), ['ENOENT', 'ENOTDIR']);
  return found?.isFile() ? found : undefined;
}

/**
 * Replaces a file in a folder that exists; a link in its place is replaced, not followed.
 * Faults: `amphora_file_foreign`, `no_space`
 */
export async function replacePlainFile(
  path: string,
  content: string | Buffer,
  mode: number,
): Promise<void> {
  await inExisting(path, (place) => replaceFile(place, content, mode));
}

/** Renames a file in its folder. Faults: `amphora_file_foreign`, `no_space` */
export async function renamePlainFile(path: string, name: string): Promise<void> {
  await inExisting(path, async (place) => {
    await orNoSpace(path, () => rename(place, join(dirname(place), name)));
    await syncFolder(dirname(place));
  });
}

/** Removes a file or a link, or nothing. */
export async function removePlainFile(path: string): Promise<void> {
  await inPlainFolder(dirname(path), (folder) =>
    orNoSpace(path, () => rm(join(folder, nameIn(path)), { force: true, recursive: true })),
  );
}

async function inExisting(path: string, work: (place: string) => Promise<void>): Promise<void> {
  const isDone = await inPlainFolder(dirname(path), async (folder) => {
    await work(join(folder, nameIn(path)));
    return true;
  });
  if (isDone === undefined) throw foreign(dirname(path));
}

function nameIn(path: string): string {
  return path.slice(dirname(path).length + 1);
}

function foreign(path: string): Fault {
  return new Fault(
    'amphora_file_foreign',
    `${path} is not a plain folder, so nothing was written there. Look who put it there, and move it away.`,
  );
}
