import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import * as z from 'zod';

import { Fault } from '../../../kit/fault.ts';
import { createFile, readTextIfThere, replaceFile } from '../../../kit/files/files.ts';
import type { AttributeStore } from '../../format/attributes.ts';
import { changedMeanwhile, orFault } from '../path-faults.ts';
import { openFolder } from '../host-folder.ts';
import { isPlainPath } from '../../format/paths.ts';
import { readLists } from './lists-here.ts';

const list = z
  .string()
  .regex(/^[0-9a-f]+$/)
  .nullable();
const folderState = z.object({
  mode: z.number(),
  uid: z.number(),
  gid: z.number(),
  acl: list,
  defaultAcl: list,
});
const schema = z.array(
  z.object({
    path: z.string().refine(isPlainPath),
    before: folderState,
    after: folderState,
    /** What others had changed it to, and an undo by force was to replace; null if they had removed it. */
    changed: z.array(folderState.nullable()).optional(),
  }),
);

/** The properties of a folder. Lists are in the kernel's form, in hexadecimal. */
export type FolderState = z.output<typeof folderState>;

/** An existing folder that gets another mode, owner or list. */
export type FolderChange = z.output<typeof schema>[number];

/** This file is next to the journal of a restore, if it changes such folders. */
const fileName = 'folders.json';

/**
 * Writes down which folders will change. Call it before the journal is written.
 * @param restoreFolder the folder of the restore
 */
export async function planFolders(
  restoreFolder: string,
  changes: readonly FolderChange[],
): Promise<void> {
  if (changes.length > 0)
    await createFile(join(restoreFolder, fileName), JSON.stringify(changes), 0o600);
}

/** Changes the folders. Faults: `changed_meanwhile`, `restore_failed` */
export async function changeFolders(
  root: string,
  restoreFolder: string,
  attributes: AttributeStore,
): Promise<void> {
  for (const { path, before, after } of await readFolderChanges(restoreFolder)) {
    if (!isDeepStrictEqual(await stateAt(root, path, attributes), before)) {
      throw changedMeanwhile(path);
    }
    await give(root, path, after, attributes);
  }
}

/** The paths of the folders that others have changed since. Faults: `restore_failed` */
export async function changedFolders(
  root: string,
  changes: readonly FolderChange[],
  attributes: AttributeStore,
): Promise<string[]> {
  const changed: string[] = [];
  for (const change of changes) {
    const now = await stateAt(root, change.path, attributes);
    if (!isOurs(change, now)) changed.push(change.path);
  }
  return changed;
}

/** Writes down how others have changed folders, so that an undo by force may replace that. Faults: `no_space` */
export async function saveChangedFolders(
  root: string,
  restoreFolder: string,
  changes: readonly FolderChange[],
  attributes: AttributeStore,
): Promise<void> {
  const noted: FolderChange[] = [];
  for (const change of changes) {
    const now = await stateAt(root, change.path, attributes);
    const canBeReplaced = now !== undefined && !isOurs(change, now);
    noted.push(canBeReplaced ? { ...change, changed: [...(change.changed ?? []), now] } : change);
  }
  if (noted.some((each, index) => each !== changes[index]))
    await replaceFile(join(restoreFolder, fileName), JSON.stringify(noted), 0o600);
}

/**
 * Changes a folder back. It can be repeated after it was interrupted at any point.
 * @param make makes the folder if it is missing
 * @returns why it stays as it is, if others have changed it
 * Faults: `restore_failed`
 */
export async function changeFolderBack(
  root: string,
  change: FolderChange,
  attributes: AttributeStore,
  make: () => Promise<void>,
): Promise<string | undefined> {
  const { path, before } = change;
  const now = await stateAt(root, path, attributes);
  if (isDeepStrictEqual(now, before)) return undefined;
  if (now === undefined) return 'it is a link or a file now, and no folder';
  if (!isOurs(change, now)) {
    return now === null
      ? 'it was removed since'
      : 'its mode, owner or access control list was changed since';
  }
  if (now === null) await make();
  await give(root, path, before, attributes);
  return undefined;
}

/** Whether each property has a known value: a change that was killed may have set only some of them. */
function isOurs(
  { before, after, changed = [] }: FolderChange,
  now: FolderState | null | undefined,
): boolean {
  if (now === undefined) return false;
  if (now === null) return changed.includes(null);
  const known = [before, after, ...changed].flatMap((each) => each ?? []).map(partsOf);
  return partsOf(now).every((part, index) => known.some((each) => each[index] === part));
}

/**
 * The parts that one call each changes. Setting a list also sets the permission bits of the mode, but not the others.
 */
function partsOf({ mode, uid, gid, acl, defaultAcl }: FolderState) {
  return [mode & 0o777, mode & 0o7000, uid, gid, acl, defaultAcl];
}

/** Reads what a restore does to existing folders. Faults: `restore_failed` */
export async function readFolderChanges(restoreFolder: string): Promise<FolderChange[]> {
  const file = join(restoreFolder, fileName);
  const text = await readTextIfThere(file);
  if (text === undefined) return [];
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new Fault(
      'restore_failed',
      `${file} is damaged, so it is not known which folders got another mode, owner or access control list`,
    );
  }
}

/** Null if nothing is there, undefined if something else is. */
async function stateAt(
  root: string,
  path: string,
  attributes: AttributeStore,
): Promise<FolderState | null | undefined> {
  return orFault(path, async () => {
    const folder = await openFolder(root, path);
    if (!('at' in folder)) return folder.why === 'missing' ? null : undefined;
    try {
      const { acl = null, defaultAcl = null } = (await readLists(attributes, [path]))(path);
      return { ...(await folder.owned()), acl, defaultAcl };
    } finally {
      await folder.close();
    }
  });
}

async function give(
  root: string,
  path: string,
  { acl, defaultAcl, ...owned }: FolderState,
  attributes: AttributeStore,
): Promise<void> {
  await orFault(path, async () => {
    const folder = await openFolder(root, path);
    if (!('at' in folder)) throw changedMeanwhile(path);
    try {
      await attributes.write([{ path, acl, defaultAcl }]);
      // The mode comes last: with a list, the bits of the group are the list's mask.
      await folder.give(owned);
      await folder.sync();
    } finally {
      await folder.close();
    }
  });
}
