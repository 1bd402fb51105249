import { lchown, mkdir, open, rename, rmdir, symlink, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { systemErrorCode } from '../../../kit/fault.ts';
import { ifThere } from '../../../kit/files/files.ts';
import { changedMeanwhile, orFault } from '../path-faults.ts';
import { type HostFolder, isThere, openFolder, type Presence } from '../host-folder.ts';
import type { Lists } from './lists.ts';
import type { GivenLists } from './lists-here.ts';

/** What is to take the place of what is at a path. */
export interface Exchange {
  path: string;
  /** What has to be there until then. */
  from: Presence;
  to: Presence;
  /** The content, if it is a file. */
  content: () => AsyncIterable<Buffer>;
  /** The name of what is made beside it first. */
  temporary: string;
}

/** A folder that is to be made. */
export interface NewFolder extends GivenLists {
  path: string;
  mode: number;
  uid: number;
  gid: number;
}

/**
 * Makes the folder, in one that is there.
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
 * Makes a folder that was there before, under another name first, so that it is there with its owner and mode or not
 * at all.
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
 * Removes the folder if nothing is in it.
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
      // rmdir(2) has either for a folder that is not empty, and ENOTDIR for what is no folder.
      if (['ENOTDIR', 'ENOTEMPTY', 'EEXIST'].includes(code)) return false;
      throw error;
    }
  });
  return isGone ?? true;
}

/**
 * Makes all beside what they are for, and puts all in place then. If not all can be made, nothing was put in place,
 * and what was made is left to `unstage`; if not all can be put in place, some are.
 * @param beforePlacing is waited for when all is made
 * @param onPlaced is told of each that is in place
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
  // Once for each folder, for it takes as long as to write a file.
  for (const path of new Set(exchanges.map(({ path }) => dirname(path)))) {
    await syncAt(root, path);
  }
}

/** Gets the names in a folder to the disk. Faults: `changed_meanwhile`, `restore_failed` */
export async function syncAt(root: string, folder: string): Promise<void> {
  await within(root, `${folder}/.`, (held) => held.sync());
}

/** Makes it beside its place. Faults: `changed_meanwhile`, `no_space`, `restore_failed`, those of the content */
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
      // The owner first, for a change of owner takes setuid and setgid away (chown(2)).
      await file.chown(to.uid, to.gid);
      // Until the mode is given, a list that its folder gave to it opens it to nobody.
      await lists.give(join(dirname(path), temporary), { acl: to.acl });
      await file.chmod(to.mode);
      await file.sync();
    } finally {
      await file.close();
    }
  });
}

/** Puts it in its place, if what has to be there still is. Faults: `changed_meanwhile`, `restore_failed` */
export async function putInPlace(
  root: string,
  { path, from, to, temporary }: Exchange,
): Promise<void> {
  await within(root, path, async (parent, name) => {
    if (!(await isThere(parent, name, from))) throw changedMeanwhile(path);
    // Not rm() of Node.js, which takes what may not be removed for a folder then, and says that it is none.
    if (to === null) await unlink(parent.at(name));
    else await rename(parent.at(temporary), parent.at(name));
  });
}

/** Removes what was made to be put in place, if it is there. Faults: `restore_failed` */
export async function unstage(
  root: string,
  { path, temporary }: Pick<Exchange, 'path' | 'temporary'>,
): Promise<void> {
  await inParent(root, path, async (parent) => {
    await ifThere(unlink(parent.at(temporary)));
  });
}

/**
 * Whether that is at the path, to the byte. Nothing is in a folder that is missing; what is behind a link in the place of
 * a folder is not known.
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

/** Works in the folder that the path is in. Faults: `changed_meanwhile`, `no_space`, `restore_failed` */
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
