import { lstatSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

import { Fault } from '../errors.ts';
import { parseAccounts } from '../parsers/accounts.ts';
import type { AlphornPaths } from '../paths.ts';
import { withinCaps } from './collecting/caps.ts';
import { digestOfFile, orUnsteady, Unsteady } from './collecting/digest.ts';
import { type Essential, essentialFiles } from './collecting/essential.ts';
import { keptOf } from './collecting/kept.ts';
import { type LeftOut, maxLeftOut } from './collecting/left-out.ts';
import { isSame, racyMs } from './collecting/looking.ts';
import { localMounts, type Mounts } from './collecting/mounts.ts';
import { type Found, type Listings, type Missed, walk, type Walked } from './collecting/walk.ts';
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
} from './manifest.ts';
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
  names: Names;
  item: FileItem | LinkItem;
}

interface Names {
  users: ReadonlyMap<number, string>;
  groups: ReadonlyMap<number, string>;
}

/**
 * @param paths where names of owners are, and what Alphorn itself keeps, which never goes in
 * @param mounts which file systems answer
 */
export function makeCollector(
  paths: Pick<AlphornPaths, 'passwd' | 'group' | 'own' | 'liferafts' | 'knownKeys' | 'restores'>,
  mounts: Mounts = localMounts,
  essentials: readonly Essential[] = essentialFiles,
): Collector {
  const ofAlphorn = new Set([paths.own, paths.liferafts, paths.knownKeys, paths.restores]);
  const readUsers = makeNamesReader(paths.passwd);
  const readGroups = makeNamesReader(paths.group);
  let names: Names = { users: new Map(), groups: new Map() };
  const known = new Map<string, Known>();
  const knownFolders = new Map<string, FolderItem>();
  let listings: Listings = new Map();
  /** Files that did not hold still the last time: they are not waited for again. */
  let restless: ReadonlySet<string> = new Set();

  function readNames(): void {
    const [users, groups] = [readUsers(), readGroups()];
    if (users !== names.users || groups !== names.groups) names = { users, groups };
  }

  /** Looks again where a file system had to be asked first whether it answers. */
  async function look(rules: Rules): Promise<Walked> {
    await mounts.read();
    for (;;) {
      const walked = walk({
        ...{ rules, essentials, never: ofAlphorn, former: listings },
        silentAt: (path) => mounts.silentAt(path),
      });
      if (!(await mounts.ask())) return walked;
    }
  }

  /** @returns also the paths that did not hold still */
  async function collectOnce(
    rules: Rules,
    { former, aside, onlySettled }: CollectOptions,
  ): Promise<{ collected: Collected; unsteady: Set<string> }> {
    readNames();
    const lookedAtMs = Date.now();
    const walked = await look(rules);
    listings = walked.listings;
    const inOrder = [...walked.found].sort(byPath);
    const { taken, missed: beyondCaps } = withinCaps(inOrder);
    const missed: Missed[] = [...walked.missed, ...beyondCaps];
    const unsteady = new Set<string>();
    const leaves: (FileItem | LinkItem)[] = [];
    const folders = new Map<string, FolderItem>();
    const miss = ({ name, path, essential }: Found, why: string) => {
      missed.push({ name, why, essential: essential !== undefined, hidden: path });
    };
    for (const found of taken) {
      const { path, stats } = found;
      const isRecent = lookedAtMs - stats.ctimeMs <= racyMs;
      try {
        if (aside?.has(path) || (onlySettled && isRecent)) throw new Unsteady(path);
        const read = await itemOf(path, stats, !isRecent);
        if (typeof read === 'string') miss(found, read);
        else {
          addFoldersOf(path, folders);
          leaves.push(read);
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
    const kept = former && keptOf(former, hidden, leaves, folderNow, rules.excludes);
    for (const each of kept?.folders ?? []) folders.set(each.path, each);
    const files = leaves.filter((each) => 'sha256' in each);
    const links = leaves.filter((each) => 'target' in each);
    const keptPaths = new Set(kept?.files.flatMap(({ path }) => [...parentsOf(path), path]));
    const leftOut: LeftOut[] = missed.map(({ name, why, essential, hidden: at }) => {
      const isKept = at !== undefined && keptPaths.has(at);
      return { path: name, why, essential, kept: isKept };
    });
    leftOut.sort((a, b) => Number(b.essential) - Number(a.essential) || byPath(a, b));
    return {
      unsteady,
      collected: {
        folders: [...folders.values()].sort(byPath),
        files: kept?.files.length ? [...files, ...kept.files].sort(byPath) : files,
        links: kept?.links.length ? [...links, ...kept.links].sort(byPath) : links,
        kept: new Set(kept?.files),
        lacking: leftOut
          .filter((each) => each.essential && !each.kept)
          .slice(0, maxLacking)
          .map(({ path, why }) => ({ path, why: why.slice(0, maxWhy) })),
        leftOut: leftOut.slice(0, maxLeftOut),
        leftOutMore: Math.max(0, leftOut.length - maxLeftOut),
      },
    };
  }

  /** What a file or link is now, read only if it changed. @returns why it is left out, if it is */
  async function itemOf(
    path: string,
    stats: Stats,
    settled: boolean,
  ): Promise<FileItem | LinkItem | string> {
    const entry = known.get(path);
    if (entry?.settled && entry.names === names && isSame(entry.stats, stats)) return entry.item;
    const item = await readItem(path, stats, entry);
    if (typeof item !== 'string') known.set(path, { stats, names, item, settled });
    return item;
  }

  /** @returns why it is left out, if it is */
  async function readItem(
    path: string,
    stats: Stats,
    former: Known | undefined,
  ): Promise<FileItem | LinkItem | string> {
    const item = stats.isSymbolicLink()
      ? linkItem(path, stats)
      : await fileItem(path, stats, former);
    if (typeof item === 'string') return item;
    return former !== undefined && isDeepStrictEqual(item, former.item) ? former.item : item;
  }

  function linkItem(path: string, stats: Stats): LinkItem | string {
    const bytes = orUnsteady(path, () => readlinkSync(path, 'buffer'));
    const target = bytes.toString('utf8');
    if (!Buffer.from(target).equals(bytes)) return 'Where it points to is not UTF-8.';
    const { uid, gid, user, group } = ownedOf(stats);
    return { path, target, uid, gid, user, group };
  }

  async function fileItem(
    path: string,
    stats: Stats,
    former: Known | undefined,
  ): Promise<FileItem | string> {
    const formerFile = former?.item;
    // Only names of owners may be others then.
    const isRead = former?.settled === true && isSame(former.stats, stats);
    const read =
      isRead && formerFile !== undefined && 'sha256' in formerFile
        ? formerFile
        : await digestOfFile(path, stats);
    if ('why' in read) return read.why;
    return { path, size: stats.size, sha256: read.sha256, ...ownedOf(stats) };
  }

  function ownedOf({ mode, uid, gid }: Stats): Owned {
    const user = names.users.get(uid) ?? null;
    return { mode: mode & 0o7777, uid, gid, user, group: names.groups.get(gid) ?? null };
  }

  function addFoldersOf(path: string, folders: Map<string, FolderItem>): void {
    const added = new Map<string, FolderItem>();
    for (let at = dirname(path); at !== '/' && !folders.has(at); at = dirname(at)) {
      const folder = folderItem(at);
      if (folder === undefined) throw new Unsteady(path);
      added.set(at, folder);
    }
    for (const [at, folder] of added) folders.set(at, folder);
  }

  function folderNow(path: string): FolderItem | undefined {
    return mounts.silentAt(path) === undefined ? folderItem(path) : undefined;
  }

  /** Undefined where there is none. */
  function folderItem(path: string): FolderItem | undefined {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (!stats?.isDirectory()) return undefined;
    const item = { path, ...ownedOf(stats) };
    const former = knownFolders.get(path);
    const same = former !== undefined && isDeepStrictEqual(former, item) ? former : item;
    knownFolders.set(path, same);
    return same;
  }

  return {
    async collect(rules, options = {}) {
      for (let attempt = 1; ; attempt += 1) {
        const { collected, unsteady } = await collectOnce(rules, options);
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
    const now = statSync(path, { throwIfNoEntry: false });
    if (now !== undefined && (stats === undefined || !isSame(now, stats))) {
      names = parseAccounts(readFileSync(path, 'utf8'));
    }
    stats = now;
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
