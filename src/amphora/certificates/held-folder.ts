import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { Fault, systemErrorCode } from '../../kit/fault.ts';
import { ifThere, orNoSpace } from '../../kit/files/files.ts';

/**
 * A folder that is held open. Paths from `at()` stay in it, even if somebody puts a link or another folder in its place.
 */
export interface HeldFolder {
  at(name: string): string;
}

const asFolder = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Follows no link, and does not wait for the other end of a pipe. */
const asFile = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Works in a folder below `base`. Neither of them may be a link.
 * @param name one name, not a path
 * @returns undefined if there is no such folder
 * Faults: `certificate_refused` if something else is in its place, those of the work
 */
export async function inFolder<T>(
  base: string,
  name: string,
  work: (folder: HeldFolder) => Promise<T>,
): Promise<T | undefined> {
  const path = join(base, name);
  const above = await openFolder(base, base);
  if (!above) return undefined;
  try {
    const folder = await openFolder(placeIn(above, name), path);
    if (!folder) return undefined;
    try {
      return await work({ at: (file) => placeIn(folder, file) });
    } catch (error) {
      throw namedAfter(error, placeIn(folder, ''), `${path}/`);
    } finally {
      await folder.close();
    }
  } finally {
    await above.close();
  }
}

/** Makes a folder below `base` that only root can access, unless it exists. Faults: as inFolder, `no_space` */
export async function makeFolderIn(base: string, name: string): Promise<void> {
  const above = await openFolder(base, base);
  if (!above) throw notAFolder(base);
  try {
    await orNoSpace(join(base, name), () => mkdir(placeIn(above, name), { mode: 0o700 }));
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
  } finally {
    await above.close();
  }
}

/**
 * Removes a folder below `base` with all that is in it, if it exists. A link in its place is removed, not its target.
 * Faults: `certificate_refused` if `base` is a link, `no_space`
 */
export async function removeFolderIn(base: string, name: string): Promise<void> {
  const above = await openFolder(base, base);
  if (!above) return;
  try {
    await orNoSpace(join(base, name), () =>
      rm(placeIn(above, name), { recursive: true, force: true }),
    );
  } finally {
    await above.close();
  }
}

/** The bytes of a plain file, or undefined if there is none. A link or anything else counts as none. */
export async function readPlainFile(path: string): Promise<Buffer | undefined> {
  const file = await ifThere(open(path, asFile), ['ENOENT', 'ELOOP', 'ENXIO']);
  if (!file) return undefined;
  try {
    return (await file.stat()).isFile() ? await file.readFile() : undefined;
  } finally {
    await file.close();
  }
}

async function openFolder(place: string, path: string): Promise<FileHandle | undefined> {
  try {
    return await open(place, asFolder);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT') return undefined;
    // open(2) has either code for a link, depending on the kernel.
    if (code === 'ENOTDIR' || code === 'ELOOP') throw notAFolder(path);
    throw error;
  }
}

function placeIn(folder: FileHandle, name: string): string {
  return `/proc/self/fd/${folder.fd}/${name}`;
}

/** A fault that names the path that people know. */
function namedAfter(error: unknown, held: string, path: string): unknown {
  if (!(error instanceof Fault) || !error.message.includes(held)) return error;
  return new Fault(error.code, error.message.replaceAll(held, path));
}

function notAFolder(path: string): Fault {
  return new Fault(
    'certificate_refused',
    `${path} is not a folder of its own, or it is a link, so nothing is written there. See what it is with 'ls -ld', and remove it.`,
  );
}
