import { dirname } from 'node:path';

import { Fault } from '../../../kit/fault.ts';
import type { AlphornPaths } from '../../paths.ts';
import type { AttributeStore } from '../../format/attributes.ts';
import { neverRestored } from '../../format/closed-paths.ts';
import type { FileItem, FolderItem, LinkItem } from '../../format/items.ts';
import type { Manifest } from '../../format/manifest.ts';
import { readOwners } from '../../format/owners.ts';
import { isIn, isPlainPath, parentsOf } from '../../format/paths.ts';
import { openFolder } from '../host-folder.ts';
import { readListsHere } from '../steps/lists-here.ts';
import type { PlannedPath } from './difference.ts';
import { compareFolders, noFolderOf } from './folders.ts';
import { compareLeaf, withBlock } from './leaves.ts';

/**
 * Compares the paths of a liferaft with this host, in the order of their names, each folder before its content.
 * @param paths paths of the liferaft; a folder stands for everything in it; all if left out
 * Faults: `path_not_in_liferaft`
 */
export async function compare(
  manifest: Manifest,
  paths: readonly string[] | undefined,
  alphornPaths: AlphornPaths,
  attributes: Pick<AttributeStore, 'read'>,
): Promise<PlannedPath[]> {
  const { leaves, folders } = selected(manifest, paths);
  const owners = await readOwners(alphornPaths, new Set(leaves.map(({ path }) => path)));
  const lists = await readListsHere(attributes, [...folders, ...leaves], owners);
  const own = [alphornPaths.own, alphornPaths.liferafts, alphornPaths.restores];
  const closed = [...neverRestored, ...own, alphornPaths.knownKeys];
  const closedFor = (path: string) => {
    const isClosed = closed.find((each) => isIn(path, each));
    return isClosed && `What is in ${isClosed} is never restored.`;
  };
  const planned = await compareFolders(folders, owners, lists, alphornPaths.root);
  const holders = new Set([...leaves, ...folders].flatMap((item) => parentsOf(item.path)));
  for (const [index, each] of planned.entries()) {
    const { path } = each.item;
    const isChosen = paths === undefined || paths.some((chosen) => isIn(path, chosen));
    const isEmpty = !holders.has(path);
    // Whatever is in a blocked folder is blocked as well, and reports it.
    const blocked = closedFor(path) ?? (each.existing || !isEmpty ? undefined : noFolderOf(each));
    if (!isChosen || blocked !== undefined) delete each.existing;
    if (blocked !== undefined && isEmpty) planned[index] = withBlock(each, blocked);
  }
  // The paths are sorted by parent, so that each parent is opened once.
  let parent: { path: string; folder: Awaited<ReturnType<typeof openFolder>> } | undefined;
  const close = async () => {
    if (parent && 'at' in parent.folder) await parent.folder.close();
    parent = undefined;
  };
  try {
    for (const item of leaves) {
      const above = dirname(item.path);
      if (parent?.path !== above) {
        await close();
        parent = { path: above, folder: await openFolder(alphornPaths.root, above) };
      }
      const blocked = closedFor(item.path) ?? whyNot(parent.folder, above, planned);
      const folder = 'at' in parent.folder ? parent.folder : undefined;
      const each = await compareLeaf(item, folder, owners, lists);
      planned.push(blocked === undefined ? each : withBlock(each, blocked));
    }
  } finally {
    await close();
  }
  return planned;
}

/** The chosen files and links, sorted by folder; and the folders that are chosen, or that contain them. */
function selected(
  { folders, files, links }: Manifest,
  paths: readonly string[] | undefined,
): { leaves: (FileItem | LinkItem)[]; folders: FolderItem[] } {
  const all = [...files, ...links];
  const isChosen = (item: { path: string }) =>
    paths === undefined || paths.some((path) => isIn(item.path, path));
  for (const path of paths ?? []) {
    const isInside = (item: { path: string }) => isIn(item.path, path);
    if (isPlainPath(path) && (all.some(isInside) || folders.some(isInside))) continue;
    throw new Fault(
      'path_not_in_liferaft',
      `The liferaft has neither ${path} nor anything in it. Nothing was done. Its manifest lists what it has.`,
    );
  }
  const leaves = all
    .filter(isChosen)
    .sort((a, b) => order(dirname(a.path), dirname(b.path)) || order(a.path, b.path));
  const chosenFolders = folders.filter(isChosen);
  const needed = new Set([...leaves, ...chosenFolders].flatMap(({ path }) => [...parentsOf(path)]));
  for (const { path } of chosenFolders) needed.add(path);
  return { leaves, folders: folders.filter(({ path }) => needed.has(path)) };
}

function order(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Why nothing can be put into that folder; undefined if something can. */
function whyNot(
  folder: Awaited<ReturnType<typeof openFolder>>,
  above: string,
  planned: readonly PlannedPath[],
): string | undefined {
  if ('at' in folder) return undefined;
  const { path, why } = folder;
  if (why === 'no folder') {
    return `${path} is a folder in the liferaft, but a link or a file on this host; nothing is restored through it.`;
  }
  const canBeMade = new Set(planned.map(({ item }) => item.path));
  const missing = [...parentsOf(above), above].find(
    (each) => isIn(each, path) && !canBeMade.has(each),
  );
  return missing && `The folder ${missing} is missing, and the liferaft does not say how it was.`;
}
