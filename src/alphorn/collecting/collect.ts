import type { Stats } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { AlphornPaths } from '../paths.ts';
import { type AttributeStore, makeAttributeStore } from '../format/attributes.ts';
import type { FileItem, FolderItem, LinkItem } from '../format/items.ts';
import { type Lacking, type Manifest, maxLacking } from '../format/manifest.ts';
import { byPath, parentsOf } from '../format/paths.ts';
import { makeListRoom } from '../format/permissions.ts';
import { withinCaps } from './caps.ts';
import { carryOver } from './carried-over.ts';
import { type Essential, essentialFiles } from './essential.ts';
import { type LeftOut, maxLeftOut } from './left-out.ts';
import { makeAccountNamesReader } from './reading/account-names.ts';
import { Unsteady } from './reading/digest.ts';
import { makeItemReader } from './reading/item-reader.ts';
import type { Rules } from './rules.ts';
import { type OwnPaths, walkMounts } from './walk/included.ts';
import { lstatOrWhy, racyMs } from './walk/lookup.ts';
import { localMounts, type Mounts } from './walk/mounts.ts';
import type { Found, Listings, Missed } from './walk/walk.ts';

/** What goes into a liferaft. Each list is in the order of its paths. */
export interface Collected {
  folders: readonly FolderItem[];
  files: readonly FileItem[];
  links: readonly LinkItem[];
  /** Files that cannot be read now, so their content comes from the former liferaft. */
  carriedOver: ReadonlySet<FileItem>;
  /** Essential files that are missing altogether. */
  lacking: readonly Lacking[];
  /** Paths that are not in it, or not as they are now: at most `maxLeftOut`, essential ones first. */
  leftOut: readonly LeftOut[];
  /** How many more such paths there are. */
  leftOutMore: number;
}

export interface CollectOptions {
  /** The former liferaft: what cannot be read now stays as it is there. */
  former?: Pick<Manifest, 'files' | 'links' | 'folders'> | undefined;
  /** Files that are not read, because they change all the time. */
  aside?: ReadonlySet<string>;
  /** Reads nothing that changed within the last seconds. */
  onlySettled?: boolean;
}

/** Finds what the rules include. */
export interface Collector {
  /**
   * An item that has not changed since the last time is not read again, and is the same object. A file that changes
   * while it is read is tried a few times, and then stays as it was.
   */
  collect(rules: Rules, options?: CollectOptions): Promise<Collected>;
  /** Reads the file again the next time, even if its time stamps are the same. */
  distrust(path: string): void;
}

/** Max attempts to read a file that changes while it is read; the next round tries again. */
export const tries = 5;
/** The same, if every such file was restless in the former round too. */
const triesIfRestless = 2;
/** The pause before the second attempt. Each pause is twice as long as the one before. */
const firstPauseMs = 20;
/** Max length of a reason in a manifest; a reason may contain a path. */
const maxWhy = 1000;

/**
 * @param paths the lists of accounts, and the folders of Alphorn itself, which never go in
 * @param mounts tells which file systems answer
 * @param attributeStore reads access control lists and extended attributes
 */
export function makeCollector(
  paths: OwnPaths & Pick<AlphornPaths, 'passwd' | 'group'>,
  mounts: Mounts = localMounts,
  essentials: readonly Essential[] = essentialFiles,
  attributeStore: Pick<AttributeStore, 'read'> = makeAttributeStore(),
): Collector {
  const items = makeItemReader(makeAccountNamesReader(paths));
  let listings: Listings = new Map();
  /** Files that changed while they were read the last time. They are not waited for again. */
  let restless: ReadonlySet<string> = new Set();

  /**
   * @param before paths that were unsteady in the attempt before; undefined for the first
   * @returns also the paths that changed while they were read
   */
  async function collectOnce(
    rules: Rules,
    { former, aside, onlySettled }: CollectOptions,
    before: ReadonlySet<string> | undefined,
  ): Promise<{ collected: Collected; unsteady: Set<string> }> {
    items.refreshNames();
    const lookedAtMs = Date.now();
    const walked = await walkMounts(rules, paths, { mounts, essentials, former: listings });
    listings = walked.listings;
    const inOrder = [...walked.found].sort(byPath);
    const { taken, missed: beyondCaps } = withinCaps(inOrder);
    const missed: Missed[] = [...walked.missed, ...beyondCaps];
    const around = foldersAround(taken);
    const changed = [
      ...taken.filter(({ path, stats }) => !items.isKnownLeaf(path, stats)),
      ...[...around.values()].filter(({ path, stats }) => !items.isKnownFolder(path, stats)),
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
          : await items.readLeaf(path, stats, attributes.get(path), !isRecent);
        if (typeof read === 'string') {
          miss(found, read);
          continue;
        }
        for (const at of isFolder ? [...parentsOf(path), path] : parentsOf(path)) {
          if (folders.has(at)) continue;
          const folder = around.get(at);
          if (folder?.stats.isDirectory() !== true) throw new Unsteady(path);
          const entry = items.readFolder(at, folder.stats, attributes.get(at), lookedAtMs);
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
    items.forgetOthers(leaves, [...folders.values()]);
    const hidden = missed.flatMap((each) => each.hidden ?? []);
    const nowAt = (path: string) => folders.get(path);
    const carriedOver = former && carryOver(former, hidden, leaves, nowAt, rules.excludes);
    for (const each of carriedOver?.folders ?? []) folders.set(each.path, each);
    const files = leaves.filter((each) => 'sha256' in each);
    const links = leaves.filter((each) => 'target' in each);
    const withinRoom = makeListRoom(note);
    const allFolders = [...folders.values()].sort(byPath).map(withinRoom);
    const filesWithCarried = carriedOver?.files.length
      ? [...files, ...carriedOver.files].sort(byPath)
      : files;
    const allFiles = filesWithCarried.map(withinRoom);
    const carriedFiles = new Set(carriedOver?.files.map(({ path }) => path));
    const carriedPaths = new Set([...carriedFiles].flatMap((path) => [...parentsOf(path), path]));
    const leftOut = missed.flatMap(({ name, why, essential, hidden: at }): LeftOut[] => {
      const isCarried = at !== undefined && carriedPaths.has(at);
      // A file that has just appeared, and may be gone by now, is left to the next round. Otherwise each round would
      // report other names where a program makes files all the time.
      if (at !== undefined && isNew(at) && !isCarried && !essential) return [];
      return [{ path: name, why, essential, kept: isCarried }];
    });
    leftOut.sort((a, b) => Number(b.essential) - Number(a.essential) || byPath(a, b));
    return {
      unsteady,
      collected: {
        folders: allFolders,
        files: allFiles,
        links: carriedOver?.links.length ? [...links, ...carriedOver.links].sort(byPath) : links,
        carriedOver: new Set(allFiles.filter(({ path }) => carriedFiles.has(path))),
        lacking: leftOut
          .filter((each) => each.essential && !each.kept)
          .slice(0, maxLacking)
          .map(({ path, why }) => ({ path, why: why.slice(0, maxWhy) })),
        leftOut: leftOut.slice(0, maxLeftOut),
        leftOutMore: Math.max(0, leftOut.length - maxLeftOut),
      },
    };
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
      items.distrust(path);
    },
  };
}

interface Around {
  path: string;
  stats: Stats;
}

/** The folders that these paths are in, and the folders among them, by path. */
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
