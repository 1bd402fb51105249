import { constants } from 'node:fs';
import { type FileHandle, open, readlink } from 'node:fs/promises';

import { systemErrorCode } from '../../kit/fault.ts';
import { lstatIfThere } from '../../kit/files/files.ts';
import { digestOf } from '../../kit/files/pieces.ts';

/**
 * A folder of this host that is held open. Paths from `at()` stay in this folder, even if somebody puts a link or
 * another folder in its place.
 */
export interface HostFolder {
  /** The path of the entry with that name. */
  at(name: string): string;
  /** Its owner and mode. */
  owned(): Promise<{ uid: number; gid: number; mode: number }>;
  /** Gives it an owner and a mode. */
  give(owned: { uid: number; gid: number; mode: number }): Promise<void>;
  /** Writes its entries to the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** There is no folder: nothing is in its place, or something else, such as a link. */
export interface NoFolder {
  /** The topmost path that is no folder. */
  path: string;
  why: 'missing' | 'no folder';
}

/** A regular file. Its digest stands for its content. */
export interface FilePresence {
  kind: 'file';
  mode: number;
  uid: number;
  gid: number;
  size: number;
  sha256: string;
  /** Its access control list in the kernel's form, in hexadecimal; left out if the mode says everything. */
  acl?: string | undefined;
}

export interface LinkPresence {
  kind: 'link';
  uid: number;
  gid: number;
  target: string;
}

/** What is, or will be, at a path; null is nothing. */
export type Presence = FilePresence | LinkPresence | null;

/** What is at a path, except for its content. */
export type Look =
  Omit<FilePresence, 'sha256' | 'acl'> | LinkPresence | { kind: 'folder' | 'other' } | null;

const asFolder = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Does not follow a link, and does not wait for the other end of a pipe. */
export const asFile = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Opens a folder name by name from the top, and follows no link on the way.
 * @param root the folder that counts as `/`
 * @param path absolute and plain, or `/`
 */
export async function openFolder(root: string, path: string): Promise<HostFolder | NoFolder> {
  let handle = await open(root, asFolder);
  let sofar = '';
  for (const name of path.split('/').filter((part) => part !== '')) {
    sofar += `/${name}`;
    const above = handle;
    try {
      handle = await open(placeIn(above, name), asFolder);
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === 'ENOENT') return { path: sofar, why: 'missing' };
      // open(2) has either code for a link, depending on the kernel.
      if (code === 'ENOTDIR' || code === 'ELOOP') return { path: sofar, why: 'no folder' };
      throw error;
    } finally {
      await above.close();
    }
  }
  const held = handle;
  return {
    at: (name) => placeIn(held, name),
    async owned() {
      const { uid, gid, mode } = await held.stat();
      return { uid, gid, mode: mode & 0o7777 };
    },
    async give({ uid, gid, mode }) {
      await held.chown(uid, gid);
      await held.chmod(mode);
    },
    sync: () => held.sync(),
    close: () => held.close(),
  };
}

/** Node.js has no openat(2). For the kernel this path is the same (proc_pid_fd(5)). */
function placeIn({ fd }: FileHandle, name: string): string {
  return `/proc/self/fd/${fd}/${name}`;
}

export async function lookAt(folder: HostFolder, name: string): Promise<Look> {
  const stats = await lstatIfThere(folder.at(name));
  if (stats === undefined) return null;
  const { mode, uid, gid, size } = stats;
  if (stats.isFile()) return { kind: 'file', mode: mode & 0o7777, uid, gid, size };
  if (stats.isDirectory()) return { kind: 'folder' };
  if (!stats.isSymbolicLink()) return { kind: 'other' };
  const bytes = await readlink(folder.at(name), { encoding: 'buffer' });
  const target = bytes.toString('utf8');
  // A target that is not UTF-8 could not be put back.
  return Buffer.from(target).equals(bytes) ? { kind: 'link', uid, gid, target } : { kind: 'other' };
}

/** The digest of a file's content, in hexadecimal. */
export async function digestAt(folder: HostFolder, name: string): Promise<string> {
  const file = await open(folder.at(name), asFile);
  try {
    return (await digestOf(file)).sha256;
  } finally {
    await file.close();
  }
}

/** Whether exactly that is there, by its digest. Access control lists are not compared. */
export async function isThere(
  folder: HostFolder,
  name: string,
  expected: Presence,
): Promise<boolean> {
  const found = await lookAt(folder, name);
  if (found?.kind !== expected?.kind) return false;
  if (found?.kind === 'link' && expected?.kind === 'link') {
    return (
      found.target === expected.target && found.uid === expected.uid && found.gid === expected.gid
    );
  }
  if (found?.kind === 'file' && expected?.kind === 'file') {
    return (
      (['mode', 'uid', 'gid', 'size'] as const).every((key) => found[key] === expected[key]) &&
      (await digestAt(folder, name)) === expected.sha256
    );
  }
  return found === null;
}
