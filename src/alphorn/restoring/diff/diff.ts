import { basename, dirname } from 'node:path';

import { Fault } from '../../../kit/fault.ts';
import type { AlphornPaths } from '../../../kit/paths.ts';
import type { AttributeStore } from '../../format/attributes.ts';
import { neverRestored } from '../../format/closed-paths.ts';
import {
  digestAt,
  type FilePresence,
  type HostFolder,
  type LinkPresence,
  type Look,
  lookAt,
  openFolder,
} from '../../receiving/host-folder.ts';
import {
  type FileItem,
  type FolderItem,
  isIn,
  isPlainPath,
  type LinkItem,
  type Manifest,
  parentsOf,
} from '../../format/manifest.ts';
import { type Owners, readOwners } from '../../format/owners.ts';
import { aclWords, type ListsHere, namedAclWords, readListsHere } from '../steps/lists-here.ts';
import type { FolderChange, FolderState } from '../steps/folders.ts';
import type { GivenLists } from '../steps/lists.ts';

/** What a restore would do to a path. `create` and `replace` (of something of another kind) stand alone. */
export type DifferenceChange =
  'create' | 'replace' | 'content' | 'mode' | 'owner' | 'acl' | 'target';

/** How a path is, in words for people. */
export interface Described {
  kind: 'file' | 'link' | 'folder' | 'other';
  /** Octal, such as `0640`. */
  mode?: string;
  /** Such as `root:haclient`. */
  owner?: string;
  /** As acl(5) has it in short, where the mode does not say it all. */
  acl?: string;
  /** Bytes. */
  size?: number;
  target?: string;
}

/** A path of a liferaft beside the same path of this host. */
export interface Difference {
  path: string;
  /** Empty where both are the same. */
  changes: readonly DifferenceChange[];
  /** Null where there is nothing. */
  here: Described | null;
  liferaft: Described;
  /** Why it cannot be restored as it is. */
  blocked?: string;
  /** What of it cannot be restored here. */
  lost?: string;
}

/** A difference, and what it takes to restore the path. */
export interface PlannedPath {
  difference: Difference;
  item: FileItem | LinkItem | FolderItem;
  /** What is to be there then; a folder is made if it is missing, and else left as it is. */
  wanted: FilePresence | LinkPresence | WantedFolder;
  /** The access control list that it has now. */
  aclHere?: string | undefined;
  /** Of a folder that is there: what it would take to make it as it is in the liferaft. */
  existing?: { difference: Difference; change: FolderChange };
}

interface WantedFolder extends GivenLists {
  kind: 'folder';
  mode: number;
  uid: number;
  gid: number;
}

/**
 * Compares the paths of a liferaft with this host, in the order of their names, each folder before what is in it.
 * @param paths what to compare: a path of the liferaft, or a folder for all that is in it; all if nothing is said
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
    // What is in a folder has it in the way as well, and says so.
    const blocked = closedFor(path) ?? (each.existing || !isEmpty ? undefined : noFolderOf(each));
    if (!isChosen || blocked !== undefined) delete each.existing;
    if (blocked !== undefined && isEmpty) planned[index] = withBlock(each, blocked);
  }
  // Of one parent after another, so that each is opened once.
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

/** Files and links, in the order of their paths' folders, and the folders that they are in or that are chosen. */
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
      `The liferaft has no ${path}, and nothing in it. Nothing was done. Its manifest lists what it has.`,
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

async function compareFolders(
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
      ...{ item, wanted },
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

/** What makes a folder that is there as it is in the liferaft; nothing where it is. */
function existingFolder(
  item: FolderItem,
  here: Omit<WantedFolder, 'kind'>,
  wanted: WantedFolder,
  owners: Owners,
  lost: string | undefined,
): Pick<PlannedPath, 'existing'> {
  const [before, after] = [here, wanted].map(
    ({ mode, uid, gid, acl = null, defaultAcl = null }) => ({
      ...{ mode, uid, gid, acl, defaultAcl },
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
      owners.wordsOf(here),
      aclWords(here.acl, owners).acl,
      aclWords(here.defaultAcl, owners).acl,
    ),
    liferaft: describedWanted(item, wanted, owners),
    ...(lost !== undefined && { lost }),
  };
  const { path } = item;
  return {
    existing: { difference: { path, changes, ...described }, change: { path, before, after } },
  };
}

function noFolderOf({ difference: { path, here } }: PlannedPath): string | undefined {
  return here?.kind === 'other'
    ? `${path} is a folder in the liferaft, and a link or a file on this host, or in one.`
    : undefined;
}

/** Why nothing can be put into that folder, if it cannot. */
function whyNot(
  folder: Awaited<ReturnType<typeof openFolder>>,
  above: string,
  planned: readonly PlannedPath[],
): string | undefined {
  if ('at' in folder) return undefined;
  const { path, why } = folder;
  if (why === 'no folder') {
    return `${path} is a folder in the liferaft, and a link or a file on this host; nothing is restored through it.`;
  }
  const canBeMade = new Set(planned.map(({ item }) => item.path));
  const missing = [...parentsOf(above), above].find(
    (each) => isIn(each, path) && !canBeMade.has(each),
  );
  return missing && `The folder ${missing} is missing, and the liferaft does not say how it was.`;
}

async function compareLeaf(
  item: FileItem | LinkItem,
  folder: HostFolder | undefined,
  owners: Owners,
  lists: ListsHere,
): Promise<PlannedPath> {
  const { path } = item;
  const numbers = owners.numbersOf(item);
  const { lost, ...permissions } = 'target' in item ? {} : lists.wanted(item);
  const wanted: FilePresence | LinkPresence =
    'target' in item
      ? { kind: 'link', ...numbers, target: item.target }
      : { kind: 'file', mode: item.mode, ...permissions, ...numbers, ...contentOf(item) };
  const found = folder ? await lookAt(folder, basename(path)) : null;
  const aclHere = found?.kind === 'file' ? lists.here(path).acl : undefined;
  const planned = (changes: readonly DifferenceChange[]): PlannedPath => ({
    ...{ item, wanted, aclHere },
    difference: {
      ...{ path, changes },
      here:
        found &&
        described(
          found,
          'uid' in found ? owners.wordsOf(found) : '',
          aclWords(aclHere, owners).acl,
        ),
      liferaft: describedWanted(item, wanted, owners),
      ...(lost !== undefined && { lost }),
    },
  });
  if (found === null) return planned(['create']);
  if (found.kind === 'folder' || found.kind === 'other') {
    const what = found.kind === 'folder' ? 'a folder' : 'a device, a socket or the like';
    const link =
      'target' in item && found.kind === 'folder'
        ? ` In the liferaft it is a link to ${item.target}: move the folder away to have that.`
        : '';
    return withBlock(planned(['replace']), `It is ${what} on this host, and stays.${link}`);
  }
  if (found.kind !== wanted.kind) return planned(['replace']);
  const changes: DifferenceChange[] = [];
  if (found.kind === 'file' && wanted.kind === 'file') {
    const isSame =
      found.size === wanted.size &&
      folder !== undefined &&
      (await digestAt(folder, basename(path))) === wanted.sha256;
    if (!isSame) changes.push('content');
    if (found.mode !== wanted.mode) changes.push('mode');
    if (aclHere !== wanted.acl) changes.push('acl');
  }
  if (found.kind === 'link' && wanted.kind === 'link' && found.target !== wanted.target) {
    changes.push('target');
  }
  if (found.uid !== wanted.uid || found.gid !== wanted.gid) changes.push('owner');
  return planned(changes);
}

function withBlock(planned: PlannedPath, blocked: string): PlannedPath {
  return { ...planned, difference: { ...planned.difference, blocked } };
}

function contentOf({ size, sha256 }: FileItem): Pick<FilePresence, 'size' | 'sha256'> {
  return { size, sha256 };
}

function described(look: Exclude<Look, null>, owner: string, acl: string | undefined): Described {
  const { kind } = look;
  if (look.kind === 'file') {
    const { mode, size } = look;
    return { kind, mode: octal(mode), owner, ...(acl !== undefined && { acl }), size };
  }
  return look.kind === 'link' ? { kind, owner, target: look.target } : { kind };
}

function describedFolder(
  { mode }: Pick<WantedFolder, 'mode'>,
  owner: string,
  acl: string | undefined,
  defaultAcl: string | undefined,
): Described {
  const list = [acl, defaultAcl && `default:${defaultAcl}`].filter((each) => each !== undefined);
  return {
    ...{ kind: 'folder', mode: octal(mode), owner },
    ...(list.length > 0 && { acl: list.join(' ') }),
  };
}

/** What is to be there, in words. A list that there cannot be is not wanted. */
function describedWanted(
  item: FileItem | LinkItem | FolderItem,
  wanted: PlannedPath['wanted'],
  owners: Owners,
): Described {
  const owner = owners.wordsAfter(item);
  const wordsOf = (key: 'acl' | 'defaultAcl') =>
    key in wanted && key in item
      ? namedAclWords((item as Partial<FolderItem>)[key], owners).acl
      : undefined;
  return wanted.kind === 'folder'
    ? describedFolder(wanted, owner, wordsOf('acl'), wordsOf('defaultAcl'))
    : described(wanted, owner, wordsOf('acl'));
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
