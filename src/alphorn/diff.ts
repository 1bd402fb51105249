import { basename, dirname } from 'node:path';

import { Fault } from '../errors.ts';
import type { AlphornPaths } from '../paths.ts';
import { neverRestored } from './closed-paths.ts';
import {
  digestAt,
  type FilePresence,
  type HostFolder,
  type LinkPresence,
  type Look,
  lookAt,
  openFolder,
} from './host-folder.ts';
import {
  type FileItem,
  type FolderItem,
  isIn,
  isPlainPath,
  type LinkItem,
  type Manifest,
  parentsOf,
} from './manifest.ts';
import { type Owners, readOwners } from './owners.ts';

/** What a restore would do to a path. `create` and `replace` (of something of another kind) stand alone. */
export type DifferenceChange = 'create' | 'replace' | 'content' | 'mode' | 'owner' | 'target';

/** How a path is, in words for people. */
export interface Described {
  kind: 'file' | 'link' | 'folder' | 'other';
  /** Octal, such as `0640`. */
  mode?: string;
  /** Such as `root:haclient`. */
  owner?: string;
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
}

/** A difference, and what it takes to restore the path. */
export interface PlannedPath {
  difference: Difference;
  item: FileItem | LinkItem | FolderItem;
  /** What is to be there then; a folder is made if it is missing, and else left as it is. */
  wanted: FilePresence | LinkPresence | { kind: 'folder'; mode: number; uid: number; gid: number };
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
): Promise<PlannedPath[]> {
  const leaves = selected(manifest, paths);
  const owners = await readOwners(alphornPaths, new Set(leaves.map(({ path }) => path)));
  const planned = await compareFolders(manifest, leaves, owners, alphornPaths.root);
  const own = [alphornPaths.own, alphornPaths.liferafts, alphornPaths.restores];
  const closed = [...neverRestored, ...own, alphornPaths.knownKeys];
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
      const isClosed = closed.find((path) => isIn(item.path, path));
      const blocked = isClosed
        ? `What is in ${isClosed} is never restored.`
        : whyNot(parent.folder, above, planned);
      const folder = 'at' in parent.folder ? parent.folder : undefined;
      const each = await compareLeaf(item, folder, owners);
      planned.push(blocked === undefined ? each : withBlock(each, blocked));
    }
  } finally {
    await close();
  }
  return planned;
}

/** Files and links, in the order of their paths' folders. */
function selected(
  { files, links }: Manifest,
  paths: readonly string[] | undefined,
): (FileItem | LinkItem)[] {
  const all = [...files, ...links];
  for (const path of paths ?? []) {
    if (isPlainPath(path) && all.some((item) => isIn(item.path, path))) continue;
    throw new Fault(
      'path_not_in_liferaft',
      `The liferaft has no ${path}, and nothing in it. Nothing was done. Its manifest lists what it has.`,
    );
  }
  return all
    .filter((item) => paths === undefined || paths.some((path) => isIn(item.path, path)))
    .sort((a, b) => order(dirname(a.path), dirname(b.path)) || order(a.path, b.path));
}

function order(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Of the folders that the leaves are in, those that the liferaft has. */
async function compareFolders(
  { folders }: Manifest,
  leaves: readonly { path: string }[],
  owners: Owners,
  root: string,
): Promise<PlannedPath[]> {
  const needed = new Set(leaves.flatMap(({ path }) => parentsOf(path)));
  const planned: PlannedPath[] = [];
  for (const item of folders.filter(({ path }) => needed.has(path))) {
    const { path, mode } = item;
    const numbers = owners.numbersOf(item);
    const wanted = { kind: 'folder', mode, ...numbers } as const;
    const found = await openFolder(root, path);
    if ('at' in found) await found.close();
    const isMissing = !('at' in found) && found.why === 'missing';
    planned.push({
      ...{ item, wanted },
      difference: {
        path,
        changes: isMissing ? ['create'] : [],
        here: isMissing ? null : { kind: 'at' in found ? 'folder' : 'other' },
        liferaft: { kind: 'folder', mode: octal(mode), owner: owners.wordsAfter(item) },
      },
    });
  }
  return planned;
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
): Promise<PlannedPath> {
  const { path } = item;
  const numbers = owners.numbersOf(item);
  const wanted: FilePresence | LinkPresence =
    'target' in item
      ? { kind: 'link', ...numbers, target: item.target }
      : { kind: 'file', ...numbers, mode: item.mode, size: item.size, sha256: item.sha256 };
  const found = folder ? await lookAt(folder, basename(path)) : null;
  const planned = (changes: readonly DifferenceChange[]): PlannedPath => ({
    ...{ item, wanted },
    difference: {
      ...{ path, changes },
      here: found && described(found, 'uid' in found ? owners.wordsOf(found) : ''),
      liferaft: described(wanted, owners.wordsAfter(item)),
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

function described(look: Exclude<Look, null>, owner: string): Described {
  const { kind } = look;
  if (look.kind === 'file') return { kind, mode: octal(look.mode), owner, size: look.size };
  return look.kind === 'link' ? { kind, owner, target: look.target } : { kind };
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
