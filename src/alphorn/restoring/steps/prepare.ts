import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { AlphornPaths } from '../../paths.ts';
import type { AttributeStore } from '../../format/attributes.ts';
import type { RestoredAccounts } from '../accounts/restored-accounts.ts';
import type { PlannedPath } from '../diff/difference.ts';
import { folderIdOf } from '../other-root.ts';
import {
  type SavedRestore,
  makeRestoreFolder,
  type Step,
  writeJournal,
} from '../restore-journal.ts';
import { type FolderChange, planFolders } from './folders.ts';
import { saveCopy, parentsThere } from './copies.ts';

/**
 * Saves what will be replaced, and writes down what will be done. Nothing outside of the restore's folder is touched.
 * Faults: `changed_meanwhile`, `no_space`
 */
export async function prepareRestore(
  { root, restores }: Pick<AlphornPaths, 'root' | 'restores'>,
  attributes: Pick<AttributeStore, 'read'>,
  name: string,
  { file: { manifest, digest }, plan: planHandovers }: RestoredAccounts,
  changing: readonly PlannedPath[],
  folderChanges: readonly FolderChange[],
): Promise<SavedRestore> {
  const at = new Date();
  const folder = await makeRestoreFolder(restores, at);
  try {
    const id = randomBytes(6).toString('hex');
    const steps: Step[] = [];
    for (const { item, wanted, aclHere } of changing) {
      if (wanted.kind === 'folder') continue;
      const number = `${steps.length}`;
      const before = await saveCopy(root, item.path, join(folder, number));
      if (before?.kind === 'file') before.acl = aclHere;
      steps.push({
        path: item.path,
        before,
        after: wanted,
        // No rule takes a file of such a name into a liferaft.
        temporary: `.alphorn-${id}.${number}.new`,
        ...(before?.kind === 'file' && { kept: number }),
      });
    }
    await planHandovers(folder);
    await planFolders(folder, folderChanges);
    const changed = [
      ...steps.map(({ path }) => path),
      // With their own path as a parent.
      ...folderChanges.map(({ path }) => `${path}/.`),
    ];
    const parents = await parentsThere(root, changed, attributes);
    const { host: whose, generation } = manifest;
    const rootId = root === '/' ? undefined : await folderIdOf(root);
    return await writeJournal(folder, {
      liferaft: name,
      host: whose,
      generation,
      digest,
      at: at.toISOString(),
      root,
      rootId,
      folders: changing.flatMap(({ item, wanted }) =>
        wanted.kind === 'folder' ? [item.path] : [],
      ),
      parents: parents.map((each, number) => ({
        ...each,
        temporary: `.alphorn-${id}.f${number}.new`,
      })),
      steps,
    });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}
