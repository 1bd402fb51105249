import type { FolderItem } from '../../format/items.ts';
import type { Owners } from '../../format/owners.ts';
import { openFolder } from '../host-folder.ts';
import type { FolderState } from '../steps/folders.ts';
import { aclText, type ListsHere } from '../steps/lists-here.ts';
import { describedFolder, describedWanted } from './described.ts';
import type { DifferenceChange, PlannedPath, WantedFolder } from './difference.ts';

export async function compareFolders(
  folders: readonly FolderItem[],
  owners: Owners,
  lists: ListsHere,
  root: string,
): Promise<PlannedPath[]> {
  const planned: PlannedPath[] = [];
  for (const item of folders) {
    const { path } = item;
    const numbers = owners.numbersOf(item);
    const { lost, ...permissions } = lists.wanted(item);
    const wanted = { kind: 'folder', ...permissions, ...numbers } as const;
    const found = await openFolder(root, path);
    const here = 'at' in found ? await found.owned() : undefined;
    if ('at' in found) await found.close();
    const isMissing = !('at' in found) && found.why === 'missing';
    planned.push({
      item,
      wanted,
      difference: {
        path,
        changes: isMissing ? ['create'] : [],
        here: isMissing ? null : { kind: 'at' in found ? 'folder' : 'other' },
        liferaft: describedWanted(item, wanted, owners),
        ...(isMissing && lost !== undefined && { lost }),
      },
      ...(here && existingFolder(item, { ...here, ...lists.here(path) }, wanted, owners, lost)),
    });
  }
  return planned;
}

/** The change that makes an existing folder as it is in the liferaft; none if it is the same. */
function existingFolder(
  item: FolderItem,
  here: Omit<WantedFolder, 'kind'>,
  wanted: WantedFolder,
  owners: Owners,
  lost: string | undefined,
): Pick<PlannedPath, 'existing'> {
  const [before, after] = [here, wanted].map(
    ({ mode, uid, gid, acl = null, defaultAcl = null }) => ({
      mode,
      uid,
      gid,
      acl,
      defaultAcl,
    }),
  ) as [FolderState, FolderState];
  const changes: DifferenceChange[] = [];
  if (before.mode !== after.mode) changes.push('mode');
  if (before.acl !== after.acl || before.defaultAcl !== after.defaultAcl) changes.push('acl');
  if (before.uid !== after.uid || before.gid !== after.gid) changes.push('owner');
  if (changes.length === 0) return {};
  const described = {
    here: describedFolder(
      here,
      owners.textOf(here),
      aclText(here.acl, owners).acl,
      aclText(here.defaultAcl, owners).acl,
    ),
    liferaft: describedWanted(item, wanted, owners),
    ...(lost !== undefined && { lost }),
  };
  const { path } = item;
  return {
    existing: { difference: { path, changes, ...described }, change: { path, before, after } },
  };
}

export function noFolderOf({ difference: { path, here } }: PlannedPath): string | undefined {
  return here?.kind === 'other'
    ? `${path} is a folder in the liferaft. On this host it is a link or a file, or below one.`
    : undefined;
}
