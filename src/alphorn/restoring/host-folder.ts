import { constants } from 'node:fs';
import { type FileHandle, open, readlink } from 'node:fs/promises';

import { systemErrorCode } from '../../kit/fault.ts';
import { lstatIfThere } from '../../kit/files/files.ts';
import { digestOf } from '../../kit/files/pieces.ts';

/**
 * A folder of this host that is held open. What is done in it by `at()` is done in this one, also if somebody puts a
 * link or another folder in its place meanwhile.
 */
export interface HostFolder {
  /** The path of what has that name in it. */
  at(name: string): string;
  /** Its owner and mode. */
  owned(): Promise<{ uid: number; gid: number; mode: number }>;
  /** Gives it an owner and a mode. */
  give(owned: { uid: number; gid: number; mode: number }): Promise<void>;
  /** Gets the names in it to the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** What is in the place of a folder: nothing, or something else, a link among it. */
export interface NoFolder {
  /** The first path from the top that is no folder. */
  path: string;
  why: 'missing' | 'no folder';
}

/** A regular file. Its content is known by its digest. */
export interface FilePresence {
  kind: 'file';
  mode: number;
  uid: number;
  gid: number;
  size: number;
  sha256: string;
  /** Its access control list, as the kernel has it, in hexadecimal; not there where the mode says it all. */
  acl?: string | undefined;
}

export interface LinkPresence {
  kind: 'link';
  uid: number;
  gid: number;
  target: string;
}

/** What is, or is to be, at a path; null is nothing. */
export type Presence = FilePresence | LinkPresence | null;

/** What is at a path, without a look at the content. */
export type Look =
  Omit<FilePresence, 'sha256' | 'acl'> | LinkPresence | { kind: 'folder' | 'other' } | null;

const asFolder = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Never waits for the other end of a pipe, and follows nothing. */
export const asFile = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Opens a folder by its names from the top, one in the other, and follows no link on the way.
 * @param root where `/` is
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
      // open(2) has either for a link, by the kernel's age.
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

/** Node.js has no openat(2); the kernel takes this for the same (proc_pid_fd(5)). */
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
  // Else it could not be put back.
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

/** Whether that is what is there, to the byte; access control lists are not looked at. */
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
