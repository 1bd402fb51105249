import { readFileSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

import { Fault } from '../../kit/fault.ts';
import { parseAccounts } from '../../parsers/accounts.ts';
import type { AlphornPaths } from '../../kit/paths.ts';
import {
  type AccountNames,
  defaultAclOf,
  makeListRoom,
  notCarried,
  permissionsOf,
} from '../restoring/diff/aspects.ts';
import { type Attributes, type AttributeStore, makeAttributeStore } from '../format/attributes.ts';
import { withinCaps } from './caps.ts';
import { digestOfDatabase, digestOfFile, Unsteady, writtenByMemory } from './digest.ts';
import { type Essential, essentialFiles } from './essential.ts';
import { keptOf } from './kept.ts';
import { type LeftOut, maxLeftOut } from './left-out.ts';
import { isSame, lstatOrWhy, racyMs, targetOrWhy } from './looking.ts';
import { localMounts, type Mounts } from './mounts.ts';
import {
  type Found,
  type Listings,
  type Missed,
  walk,
  type Walked,
  type WalkParts,
} from './walk.ts';
import {
  byPath,
  type FileItem,
  type FolderItem,
  type Lacking,
  type LinkItem,
  type Manifest,
  maxLacking,
  type Owned,
  parentsOf,
} from '../format/manifest.ts';
import type { Rules } from './rules.ts';

/** What is to go into a liferaft. Each list is in the order of its paths. */
export interface Collected {
  folders: readonly FolderItem[];
  files: readonly FileItem[];
  links: readonly LinkItem[];
  /** Of these files the content is that of the liferaft before, for it cannot be read now. */
  kept: ReadonlySet<FileItem>;
  /** Essential files that are neither. */
  lacking: readonly Lacking[];
  /** All that is not in it, or not as it is now: the essential first, and no more than `maxLeftOut`. */
  leftOut: readonly LeftOut[];
  /** How many more there are. */
  leftOutMore: number;
}

export interface CollectOptions {
  /** The liferaft before: what cannot be read now stays as it is there. */
  former?: Pick<Manifest, 'files' | 'links' | 'folders'> | undefined;
  /** Files that are not to be read, for they change all the time. */
  aside?: ReadonlySet<string>;
  /** Reads nothing that changed within the last seconds. */
  onlySettled?: boolean;
}

/** Finds what the rules include. */
export interface Collector {
  /**
   * What did not change since the last time is not read again, and is the same object.
   * A file that does not hold still is read a few times, and then left as it was.
   */
  collect(rules: Rules, options?: CollectOptions): Promise<Collected>;
  /** Has the file read again the next time: it is not what was read, whatever its time stamps say. */
  distrust(path: string): void;
}

/** How often a file that changes while it is read is read, until the next round has to do it. */
export const tries = 5;
/** And how often if none of them held still in the round before. */
const triesIfRestless = 2;
/** Of the first pause before another try; each is twice as long as the one before. */
const firstPauseMs = 20;
/** What a manifest has of a reason, which may have a path in it. */
const maxWhy = 1000;

/** What is known of a file or link since it was looked at last. */
interface Known {
  stats: Stats;
  /** Whether the same time stamps mean the same content. */
  settled: boolean;
  names: AccountNames;
  item: FileItem | LinkItem;
  /** What it has and no liferaft carries. */
  note: string | undefined;
}

interface KnownFolder extends Omit<Known, 'item'> {
  item: FolderItem;
}

/**
 * @param paths where names of owners are, and what Alphorn itself keeps, which never goes in
 * @param mounts which file systems answer
 * @param attributeStore what Node.js has no calls for
 */
export function makeCollector(
  paths: Pick<AlphornPaths, 'passwd' | 'group' | 'own' | 'liferafts' | 'knownKeys' | 'restores'>,
  mounts: Mounts = localMounts,
  essentials: readonly Essential[] = essentialFiles,
  attributeStore: Pick<AttributeStore, 'read'> = makeAttributeStore(),
): Collector {
  const readUsers = makeNamesReader(paths.passwd);
  const readGroups = makeNamesReader(paths.group);
  let names: AccountNames = { users: new Map(), groups: new Map() };
  const known = new Map<string, Known>();
  const knownFolders = new Map<string, KnownFolder>();
  let listings: Listings = new Map();
  /** Files that did not hold still the last time: they are not waited for again. */
  let restless: ReadonlySet<string> = new Set();

  function readNames(): void {
    const [users, groups] = [readUsers(), readGroups()];
    if (users !== names.users || groups !== names.groups) names = { users, groups };
  }

  /**
   * @param before paths that did not hold still in the try before, if there was one
   * @returns also the paths that did not hold still
   */
  async function collectOnce(
    rules: Rules,
    { former, aside, onlySettled }: CollectOptions,
    before: ReadonlySet<string> | undefined,
  ): Promise<{ collected: Collected; unsteady: Set<string> }> {
    readNames();
    const lookedAtMs = Date.now();
    const walked = await look(rules, paths, { mounts, essentials, former: listings });
    listings = walked.listings;
    const inOrder = [...walked.found].sort(byPath);
    const { taken, missed: beyondCaps } = withinCaps(inOrder);
    const missed: Missed[] = [...walked.missed, ...beyondCaps];
    const around = foldersAround(taken);
    const changed = [
      ...taken.filter(({ path, stats }) => !isKnown(known.get(path), stats)),
      ...[...around.values()].filter(({ path, stats }) => !isKnown(knownFolders.get(path), stats)),
    ];
    const attributes = await attributeStore.read(changed.map(({ path }) => path));
    const unsteady = new Set<string>();
    const isNew = (path: string) =>
      before !== undefined && unsteady.has(path) && !before.has(path) && !aside?.has(path);
    const leaves: (FileItem | LinkItem)[] = [];
    const folders = new Map<string, FolderItem>();
    const miss = ({ name, path, essential }: Found, why: string) => {
      missed.push({ name, why, essential: essential !== undefined, hidden: path });
    };
    const note = (name: string, why: string | undefined) => {
      if (why !== undefined) missed.push({ name, why, essential: false });
    };
    for (const found of taken) {
      const { path, stats } = found;
      const isRecent = lookedAtMs - stats.ctimeMs <= racyMs;
      const isFolder = stats.isDirectory();
      try {
        if (aside?.has(path) || (onlySettled && isRecent && !isFolder)) throw new Unsteady(path);
        const read = isFolder
          ? undefined
          : await entryOf(path, stats, attributes.get(path), !isRecent);
        if (typeof read === 'string') {
          miss(found, read);
          continue;
        }
        for (const at of isFolder ? [...parentsOf(path), path] : parentsOf(path)) {
          if (folders.has(at)) continue;
          const entry = folderEntry(path, around.get(at), attributes.get(at), lookedAtMs);
          folders.set(at, entry.item);
          note(at, entry.note);
        }
        if (read) {
          leaves.push(read.item);
          note(found.name, read.note);
        }
      } catch (error) {
        if (!(error instanceof Unsteady)) throw error;
        unsteady.add(path);
        miss(
          found,
          'It changes each time that it is read. If it is a log or the like, exclude it.',
        );
      }
    }
    forget(known, leaves.length, leaves);
    forget(knownFolders, folders.size, [...folders.values()]);
    const hidden = missed.flatMap((each) => each.hidden ?? []);
    const nowAt = (path: string) => folders.get(path);
    const kept = former && keptOf(former, hidden, leaves, nowAt, rules.excludes);
    for (const each of kept?.folders ?? []) folders.set(each.path, each);
    const files = leaves.filter((each) => 'sha256' in each);
    const links = leaves.filter((each) => 'target' in each);
    const withinRoom = makeListRoom(note);
    const allFolders = [...folders.values()].sort(byPath).map(withinRoom);
    const withKept = kept?.files.length ? [...files, ...kept.files].sort(byPath) : files;
    const allFiles = withKept.map(withinRoom);
    const keptFiles = new Set(kept?.files.map(({ path }) => path));
    const keptPaths = new Set([...keptFiles].flatMap((path) => [...parentsOf(path), path]));
    const leftOut = missed.flatMap(({ name, why, essential, hidden: at }): LeftOut[] => {
      const isKept = at !== undefined && keptPaths.has(at);
      // What came a moment ago, and may be gone by now, is for the next round. Else each round would tell of other names
      // where a program makes files all the time.
      if (at !== undefined && isNew(at) && !isKept && !essential) return [];
      return [{ path: name, why, essential, kept: isKept }];
    });
    leftOut.sort((a, b) => Number(b.essential) - Number(a.essential) || byPath(a, b));
    return {
      unsteady,
      collected: {
        folders: allFolders,
        files: allFiles,
        links: kept?.links.length ? [...links, ...kept.links].sort(byPath) : links,
        kept: new Set(allFiles.filter(({ path }) => keptFiles.has(path))),
        lacking: leftOut
          .filter((each) => each.essential && !each.kept)
          .slice(0, maxLacking)
          .map(({ path, why }) => ({ path, why: why.slice(0, maxWhy) })),
        leftOut: leftOut.slice(0, maxLeftOut),
        leftOutMore: Math.max(0, leftOut.length - maxLeftOut),
      },
    };
  }

  function isKnown(entry: Omit<Known, 'item'> | undefined, stats: Stats): boolean {
    return entry?.settled === true && entry.names === names && isSame(entry.stats, stats);
  }

  /** A file or link as it is now, read only if it changed. @returns why it is left out, if it is */
  async function entryOf(
    path: string,
    stats: Stats,
    attributes: Attributes | undefined,
    settled: boolean,
  ): Promise<Known | string> {
    const former = known.get(path);
    if (former && isKnown(former, stats)) return former;
    if (attributes?.failed !== undefined)
      return `Its access control list cannot be read: ${attributes.failed}.`;
    const item = await readItem(path, stats, former, attributes);
    if (typeof item === 'string') return item;
    const entry = {
      ...{ stats, names, item, note: notCarried(stats, attributes) },
      settled: settled && !writtenByMemory(path),
    };
    known.set(path, entry);
    return entry;
  }

  /** @returns why it is left out, if it is */
  async function readItem(
    path: string,
    stats: Stats,
    former: Known | undefined,
    attributes: Attributes | undefined,
  ): Promise<FileItem | LinkItem | string> {
    const item = stats.isSymbolicLink()
      ? linkItem(path, stats)
      : await fileItem(path, stats, former, attributes);
    if (typeof item === 'string') return item;
    return former !== undefined && isDeepStrictEqual(item, former.item) ? former.item : item;
  }

  function linkItem(path: string, stats: Stats): LinkItem | string {
    const read = targetOrWhy(path);
    if (read === undefined) throw new Unsteady(path);
    if (typeof read === 'string') return read;
    const { uid, gid, user, group } = ownedOf(stats);
    return { path, target: read.target, uid, gid, user, group };
  }

  async function fileItem(
    path: string,
    stats: Stats,
    former: Known | undefined,
    attributes: Attributes | undefined,
  ): Promise<FileItem | string> {
    const formerFile = former && 'sha256' in former.item ? former.item : undefined;
    // Only names of owners may be others then.
    const isRead = former?.settled === true && isSame(former.stats, stats);
    const read =
      isRead && formerFile !== undefined
        ? formerFile
        : writtenByMemory(path)
          ? await digestOfDatabase(path, stats, formerFile?.sha256)
          : await digestOfFile(path, stats);
    if ('why' in read) return read.why;
    const permissions = permissionsOf(stats.mode & 0o7777, attributes?.acl, names);
    return { path, size: stats.size, sha256: read.sha256, ...ownedOf(stats), ...permissions };
  }

  function ownedOf({ mode, uid, gid }: Stats): Owned {
    const user = names.users.get(uid) ?? null;
    return { mode: mode & 0o7777, uid, gid, user, group: names.groups.get(gid) ?? null };
  }

  /** @param leaf what needs the folder */
  function folderEntry(
    leaf: string,
    around: Around | undefined,
    attributes: Attributes | undefined,
    lookedAtMs: number,
  ): KnownFolder {
    if (around?.stats.isDirectory() !== true) throw new Unsteady(leaf);
    const { path, stats } = around;
    const former = knownFolders.get(path);
    if (former && isKnown(former, stats)) return former;
    const defaultAcl = defaultAclOf(attributes?.defaultAcl, names);
    const item = {
      ...{ path, ...ownedOf(stats) },
      ...permissionsOf(stats.mode & 0o7777, attributes?.acl, names),
      ...(defaultAcl && { defaultAcl }),
    };
    const entry = {
      ...{ stats, names, note: notCarried(stats, attributes) },
      item: former && isDeepStrictEqual(former.item, item) ? former.item : item,
      settled: lookedAtMs - stats.ctimeMs > racyMs,
    };
    knownFolders.set(path, entry);
    return entry;
  }

  return {
    async collect(rules, options = {}) {
      let before: ReadonlySet<string> | undefined;
      for (let attempt = 1; ; attempt += 1) {
        const { collected, unsteady } = await collectOnce(rules, options, before);
        before = unsteady;
        const isAside = (path: string) => restless.has(path) || options.aside?.has(path);
        const isWorthATry = attempt < ([...unsteady].every(isAside) ? triesIfRestless : tries);
        if (unsteady.size === 0 || options.onlySettled || !isWorthATry) {
          restless = unsteady;
          return collected;
        }
        await delay(firstPauseMs * 2 ** (attempt - 1));
      }
    },
    distrust(path) {
      known.delete(path);
    },
  };
}

type OwnPaths = Pick<AlphornPaths, 'own' | 'liferafts' | 'knownKeys' | 'restores'>;

/** The files, links and empty folders that the rules include, whatever their caps, in no order. */
export async function includedPaths(
  rules: Rules,
  paths: OwnPaths,
  mounts: Mounts,
): Promise<string[]> {
  const walked = await look(rules, paths, { mounts, essentials: [], former: new Map() });
  return walked.found.map(({ path }) => path);
}

/** Looks again where a file system had to be asked first whether it answers. */
async function look(
  rules: Rules,
  { own, liferafts, knownKeys, restores }: OwnPaths,
  { mounts, ...parts }: { mounts: Mounts } & Pick<WalkParts, 'essentials' | 'former'>,
): Promise<Walked> {
  const never = new Set([own, liferafts, knownKeys, restores]);
  await mounts.read();
  for (;;) {
    const walked = walk({ ...parts, rules, never, silentAt: (path) => mounts.silentAt(path) });
    if (!(await mounts.ask())) return walked;
  }
}

interface Around {
  path: string;
  stats: Stats;
}

/** The folders that these are in, and the folders among these, by path. */
function foldersAround(taken: readonly Found[]): Map<string, Around> {
  const folders = new Map<string, Around>();
  for (const { path, stats } of taken) {
    let at = stats.isDirectory() ? path : dirname(path);
    for (; at !== '/' && !folders.has(at); at = dirname(at)) {
      const found = lstatOrWhy(at);
      if (typeof found === 'object') folders.set(at, { path: at, stats: found });
    }
  }
  return folders;
}

/** Of files that are written to without end. */
export function fileUnsteady(path: string): Fault {
  return new Fault(
    'file_unsteady',
    `Files changed each time that a liferaft was written, ${path} last. The liferaft stays as it was; the next round tries again. If they are logs or the like, exclude them in /etc/alphorn/manifest.d.`,
  );
}

function makeNamesReader(path: string): () => ReadonlyMap<number, string> {
  let stats: Stats | undefined;
  let names: ReadonlyMap<number, string> = new Map();
  return () => {
    try {
      const now = statSync(path);
      if (stats === undefined || !isSame(now, stats)) {
        names = parseAccounts(readFileSync(path, 'utf8'));
      }
      stats = now;
    } catch {
      // The names of before stay. As a file that goes in, it is told with the reason.
      stats = undefined;
    }
    return names;
  };
}

function forget(
  known: Map<string, unknown>,
  size: number,
  items: readonly { path: string }[],
): void {
  if (known.size === size) return;
  const present = new Set(items.map(({ path }) => path));
  for (const path of known.keys()) if (!present.has(path)) known.delete(path);
}
