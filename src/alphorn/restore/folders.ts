import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { z } from 'zod';

import { createFile, readTextIfThere } from '../../files.ts';
import type { AttributeStore } from '../attributes.ts';
import { changedMeanwhile, orFault } from '../exchange.ts';
import { openFolder } from '../host-folder.ts';
import { isPlainPath } from '../manifest.ts';
import { inOrder } from './lists-here.ts';

const list = z
  .string()
  .regex(/^[0-9a-f]+$/)
  .nullable();
const folderState = z.object({
  ...{ mode: z.number(), uid: z.number(), gid: z.number() },
  ...{ acl: list, defaultAcl: list },
});
const schema = z.array(
  z.object({
    path: z.string().refine(isPlainPath),
    before: folderState,
    after: folderState,
  }),
);

/** What a folder is but for what is in it. Lists are as the kernel has them, in hexadecimal. */
export type FolderState = z.output<typeof folderState>;

/** A folder that is there, and gets another mode, owner or list. */
export type FolderChange = z.output<typeof schema>[number];

/** Beside the journal of a restore; not there where no such folder is changed. */
const fileName = 'folders.json';

/**
 * Writes down what is to be done, before the journal is written.
 * @param kept the folder of the restore
 */
export async function planFolders(kept: string, changes: readonly FolderChange[]): Promise<void> {
  if (changes.length > 0) await createFile(join(kept, fileName), JSON.stringify(changes), 0o600);
}

/** Gives the folders what they are to have. Faults: `changed_meanwhile`, `restore_failed` */
export async function changeFolders(
  root: string,
  kept: string,
  attributes: AttributeStore,
): Promise<void> {
  for (const { path, before, after } of await plannedIn(kept)) {
    if (!isDeepStrictEqual(await stateAt(root, path, attributes), before)) {
      throw changedMeanwhile(path);
    }
    await give(root, path, after, attributes);
  }
}

/**
 * Gives the folders what they had. It can be done again, however far it came.
 * @param force also those that others have changed since
 * @returns the paths that others have changed, which stay
 */
export async function changeFoldersBack(
  root: string,
  kept: string,
  attributes: AttributeStore,
  force: boolean,
): Promise<string[]> {
  const left: string[] = [];
  for (const { path, before, after } of (await plannedIn(kept)).toReversed()) {
    const now = await stateAt(root, path, attributes);
    if (isDeepStrictEqual(now, before)) continue;
    // Half of a change that was killed: each part of it is of before or after.
    const isOurs =
      now !== undefined &&
      (Object.keys(now) as (keyof FolderState)[]).every(
        (key) => now[key] === before[key] || now[key] === after[key],
      );
    if (isOurs || (force && now !== undefined)) await give(root, path, before, attributes);
    else left.push(path);
  }
  return left;
}

async function plannedIn(kept: string): Promise<FolderChange[]> {
  const text = await readTextIfThere(join(kept, fileName));
  return text === undefined ? [] : schema.parse(JSON.parse(text));
}

/** Undefined where there is no folder. */
async function stateAt(
  root: string,
  path: string,
  attributes: AttributeStore,
): Promise<FolderState | undefined> {
  return orFault(path, async () => {
    const folder = await openFolder(root, path);
    if (!('at' in folder)) return undefined;
    try {
      const { acl, defaultAcl } = (await attributes.read([path])).get(path) ?? {};
      const lists = { acl: inOrder(acl) ?? null, defaultAcl: inOrder(defaultAcl) ?? null };
      return { ...(await folder.owned()), ...lists };
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
      // The mode last: with a list, the bits of its group are the list's mask.
      await folder.give(owned);
      await folder.sync();
    } finally {
      await folder.close();
    }
  });
}
