import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';

import { systemErrorCode } from '../../../kit/fault.ts';
import { lstatIfThere } from '../../../kit/files/files.ts';
import { readMountPoints } from '../../collecting/walk/mounts.ts';

/** A path and its owner. */
export interface OwnedFile {
  path: string;
  uid: number;
  gid: number;
  mode: number;
}

export interface OwnedFiles {
  found: readonly OwnedFile[];
  /** How many paths were searched. */
  looked: number;
  /** Whether the whole file system was searched. */
  complete: boolean;
}

/** Limits of the search. */
export interface SearchLimits {
  /** Max number of paths to search. */
  looked: number;
  /** Max number of paths to find. */
  found: number;
}

export const searchLimits: SearchLimits = { looked: 500_000, found: 100_000 };

/** How many paths are read at the same time. */
const atOnce = 64;

/**
 * Searches the file system of the root for the files, folders and links of some owners. Other mounted file systems are
 * not searched, because their data may follow the liferaft's numbers. Mount points are not touched either: what is
 * mounted there may not answer, or may refuse even root.
 * @param root the folder that counts as `/`
 * @param isWanted decides by path and owner
 */
export async function findOwned(
  root: string,
  isWanted: (file: OwnedFile) => boolean,
  limits: SearchLimits = searchLimits,
): Promise<OwnedFiles> {
  const { dev } = await lstat(root);
  const mounted = await readMountPoints();
  const found: OwnedFile[] = [];
  const folders = [''];
  let looked = 0;
  let complete = true;

  /** Skips what cannot be read, such as a path that is too long. */
  function passOver(error: unknown): undefined {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    // It was removed in the meantime.
    const isGone = code === 'ENOENT' || code === 'ENOTDIR';
    if (!isGone) complete = false;
  }

  async function look(path: string): Promise<void> {
    const place = join(root, path);
    if (mounted.has(place)) return;
    const stats = await lstatIfThere(place).catch(passOver);
    // A name that is not UTF-8 cannot be looked up.
    if (stats === undefined && path.includes('\u{fffd}')) complete = false;
    if (stats === undefined || (stats.isDirectory() && stats.dev !== dev)) return;
    if (stats.isDirectory()) folders.push(path);
    const file = { path, uid: stats.uid, gid: stats.gid, mode: stats.mode & 0o7777 };
    if (isWanted(file)) found.push(file);
  }

  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for await (const names of namesIn(join(root, folder), passOver)) {
      looked += names.length;
      if (looked > limits.looked || found.length > limits.found) {
        return { found: sorted(found).slice(0, limits.found), looked, complete: false };
      }
      const above = folder;
      await Promise.all(names.map((name) => look(`${above}/${name}`)));
    }
  }
  return { found: sorted(found), looked, complete };
}

/** Reads some names at a time, because a folder may have millions. */
async function* namesIn(path: string, onError: (error: unknown) => void): AsyncGenerator<string[]> {
  let names: string[] = [];
  try {
    for await (const { name } of await opendir(path)) {
      names.push(name);
      if (names.length < atOnce) continue;
      yield names;
      names = [];
    }
  } catch (error) {
    onError(error);
  }
  if (names.length > 0) yield names;
}

function sorted(files: OwnedFile[]): OwnedFile[] {
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}
