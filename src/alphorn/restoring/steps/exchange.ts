import { lchown, mkdir, open, rename, rmdir, symlink, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { systemErrorCode } from '../../../kit/fault.ts';
import { ifThere } from '../../../kit/files/files.ts';
import { changedMeanwhile, orFault } from '../path-faults.ts';
import { type HostFolder, isThere, openFolder, type Presence } from '../host-folder.ts';
import type { Lists } from './lists.ts';
import type { GivenLists } from './lists-here.ts';

/** A replacement of what is at a path. */
export interface Exchange {
  path: string;
  /** What must be there until then. */
  from: Presence;
  to: Presence;
  /** The content, if it is a file. */
  content: () => AsyncIterable<Buffer>;
  /** The name of the new file, which is first made next to it. */
  temporary: string;
}

/** A folder to make. */
export interface NewFolder extends GivenLists {
  path: string;
  mode: number;
  uid: number;
  gid: number;
}

/**
 * Makes a folder in an existing one.
 * Faults: `changed_meanwhile`, `no_space`, `restore_failed`
 */
export async function makeFolder(
  root: string,
  { path, acl, defaultAcl, ...owned }: NewFolder,
  lists: Lists,
): Promise<void> {
  await within(root, path, async (parent, name) => {
    await mkdir(parent.at(name), { mode: 0o700 });
    await parent.sync();
  });
  await orFault(path, () => lists.give(path, { acl, defaultAcl }));
  await within(root, `${path}/.`, (made) => made.give(owned));
}

/**
 * Makes a folder that was there before. It first has another name, so that it appears with its owner and mode.
 * Faults: `changed_meanwhile`, `no_space`, `restore_failed`
 */
export async function makeFolderAgain(
  root: string,
  { path, temporary, acl, defaultAcl, ...owned }: NewFolder & { temporary: string },
  lists: Lists,
): Promise<void> {
  const made = join(dirname(path), temporary);
  await within(root, path, (parent) => mkdir(parent.at(temporary), { mode: 0o700 }));
  await orFault(path, () => lists.give(made, { acl, defaultAcl }));
  await within(root, `${made}/.`, (folder) => folder.give(owned));
  await within(root, path, async (parent, name) => {
    await rename(parent.at(temporary), parent.at(name));
    await parent.sync();
  });
}

/**
 * Removes a folder if it is empty.
 * @returns whether it is gone
 * Faults: `restore_failed`
 */
export async function removeFolder(root: string, path: string): Promise<boolean> {
  const isGone = await inParent(root, path, async (parent, name) => {
    try {
      await rmdir(parent.at(name));
      await parent.sync();
      return true;
    } catch (error) {
      const code = systemErrorCode(error) ?? '';
      if (code === 'ENOENT') return true;
      // rmdir(2) has either code for a folder that is not empty, and ENOTDIR for something else.
      if (['ENOTDIR', 'ENOTEMPTY', 'EEXIST'].includes(code)) return false;
      throw error;
    }
  });
  return isGone ?? true;
}

/**
 * Makes all new files next to their paths, and then puts them in place. If one cannot be made, nothing was put in
 * place, and `unstage` removes the others. If one cannot be put in place, those before it were.
 * @param beforePlacing is called and awaited when all files are made
 * @param onPlaced is called for each path that was replaced
 * Faults: `changed_meanwhile`, `no_space`, `restore_failed`
 */
export async function exchangeAll(
  root: string,
  exchanges: readonly Exchange[],
  lists: Lists,
  beforePlacing: () => Promise<void>,
  onPlaced: (path: string) => void,
): Promise<void> {
  for (const each of exchanges) await stage(root, each, lists);
  await beforePlacing();
  for (const each of exchanges) {
    await putInPlace(root, each);
    onPlaced(each.path);
  }
  // Once for each folder, because it takes as long as writing a file.
  for (const path of new Set(exchanges.map(({ path }) => dirname(path)))) {
    await syncAt(root, path);
  }
}

/** Writes the entries of a folder to the disk. Faults: `changed_meanwhile`, `restore_failed` */
export async function syncAt(root: string, folder: string): Promise<void> {
  await within(root, `${folder}/.`, (held) => held.sync());
}

/**
 * Makes the new file next to its path. Faults: `changed_meanwhile`, `no_space`, `restore_failed`, those of the content
 */
export async function stage(
  root: string,
  { path, to, content, temporary }: Exchange,
  lists: Lists,
): Promise<void> {
  if (to === null) return;
  await within(root, path, async (parent) => {
    const place = parent.at(temporary);
    if (to.kind === 'link') {
      await symlink(to.target, place);
      await lchown(place, to.uid, to.gid);
      return;
    }
    const file = await open(place, 'wx', 0o600);
    try {
      for await (const piece of content()) await file.appendFile(piece);
      // The owner comes first, because a change of owner removes setuid and setgid (chown(2)).
      await file.chown(to.uid, to.gid);
      // Until the mode is set, a list that it inherited from its folder gives nobody access.
      await lists.give(join(dirname(path), temporary), { acl: to.acl });
      await file.chmod(to.mode);
      await file.sync();
    } finally {
      await file.close();
    }
  });
}

/** Puts the new file in place, if the expected one is still there. Faults: `changed_meanwhile`, `restore_failed` */
export async function putInPlace(
  root: string,
  { path, from, to, temporary }: Exchange,
): Promise<void> {
  await within(root, path, async (parent, name) => {
    if (!(await isThere(parent, name, from))) throw changedMeanwhile(path);
    // Not rm() of Node.js: if a file may not be removed, that reports that it is no folder.
    if (to === null) await unlink(parent.at(name));
    else await rename(parent.at(temporary), parent.at(name));
  });
}

/** Removes a new file that was not put in place, if there is one. Faults: `restore_failed` */
export async function unstage(
  root: string,
  { path, temporary }: Pick<Exchange, 'path' | 'temporary'>,
): Promise<void> {
  await inParent(root, path, async (parent) => {
    await ifThere(unlink(parent.at(temporary)));
  });
}

/**
 * Whether exactly that is at the path. A missing folder contains nothing. If a link is in the place of a folder, the
 * answer is no.
 * Faults: `restore_failed`
 */
export async function isAt(root: string, path: string, expected: Presence): Promise<boolean> {
  return orFault(path, async () => {
    const parent = await openFolder(root, dirname(path));
    if (!('at' in parent)) return parent.why === 'missing' && expected === null;
    try {
      return await isThere(parent, basename(path), expected);
    } finally {
      await parent.close();
    }
  });
}

/** Works in the folder that contains a path. Faults: `changed_meanwhile`, `no_space`, `restore_failed` */
async function within(
  root: string,
  path: string,
  work: (parent: HostFolder, name: string) => Promise<void>,
): Promise<void> {
  const done = await inParent(root, path, async (parent, name) => {
    await work(parent, name);
    return true;
  });
  if (done === undefined) throw changedMeanwhile(path);
}

/** The same; undefined if there is no such folder. Faults: `no_space`, `restore_failed` */
async function inParent<T>(
  root: string,
  path: string,
  work: (parent: HostFolder, name: string) => Promise<T>,
): Promise<T | undefined> {
  return orFault(path, async () => {
    const parent = await openFolder(root, dirname(path));
    if (!('at' in parent)) return undefined;
    try {
      return await work(parent, basename(path));
    } finally {
      await parent.close();
    }
  });
}
