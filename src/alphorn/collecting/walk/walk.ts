import type { Stats } from 'node:fs';

import { isUnchanged } from '../../../kit/files/unchanged.ts';
import { neverRestored } from '../../format/closed-paths.ts';
import { isIn, parentsOf } from '../../format/paths.ts';
import { limits } from '../../format/limits.ts';
import type { Include, Rules, RuleSet } from '../rules.ts';
import type { Essential } from '../essential.ts';
import { follow } from './follow.ts';
import { lstatOrWhy, targetOrWhy } from './lookup.ts';
import { anyName, below, type Listing, readListing, takesNoFolders } from './listing.ts';

/** The rule by which a path is looked at. */
export interface Taker {
  include: Include;
  set: RuleSet;
  /** Present if the path is one of these files. */
  essential?: Essential;
}

/** A file, link or empty folder that goes in. */
export interface Found extends Taker {
  /** A path without a link in it. */
  path: string;
  /** The path by which the rules lead to it. */
  name: string;
  stats: Stats;
}

/** A path that stays out. */
export interface Missed {
  /** The path by which the rules lead to it. */
  name: string;
  why: string;
  essential: boolean;
  /** A path that cannot be read now, although something may be there. */
  hidden?: string;
}

/** By include, and by the path by which the rules lead to the folder. */
export type Listings = Map<Include, Map<string, Listing>>;

export interface Walked {
  found: readonly Found[];
  missed: readonly Missed[];
  /** For the next walk. */
  listings: Listings;
}

export interface WalkParts {
  rules: Rules;
  essentials: readonly Essential[];
  /** Paths that never go in, and neither does their content. */
  never: ReadonlySet<string>;
  silentAt: (path: string) => string | undefined;
  /** Listings of the former walk: folders that did not change are not read again. */
  former: Listings;
  /** Max entries of folders that are looked at in one walk, by one include and by all. Tests pass other limits. */
  max?: { byInclude: number; byAll: number };
}

const maxLookedAt = { byInclude: limits.items, byAll: 2 * limits.items };

/**
 * Looks for everything that the rules include. The path of an include is followed through links, and each of these
 * links goes in as well. A link that an include matches is followed, too. Other links are not.
 */
export function walk(parts: WalkParts): Walked {
  const { rules, essentials, never, silentAt, former, max = maxLookedAt } = parts;
  const listings: Listings = new Map();
  const found = new Map<string, Found>();
  const missed = new Map<string, Missed>();
  const visited = new Set<string>();
  const unfollowed: { path: string; name: string; taker: Taker; mayBeFile: boolean }[] = [];
  let lookedAt = 0;

  function miss(name: string, why: string, { essential }: Taker, hidden?: string): void {
    const isEssential = essential !== undefined || missed.get(name)?.essential === true;
    missed.set(name, {
      name,
      why,
      essential: isEssential,
      ...(hidden !== undefined && { hidden }),
    });
  }

  const isOut = (path: string) =>
    [...parentsOf(path), path].some((each) => never.has(each) || rules.excludes(each));

  /** Whether only excludes with a wildcard keep the path out. That may be a slip; an exclude by name is deliberate. */
  const isOutByWildcard = (path: string) =>
    !rules.excludesByName(path) && [...parentsOf(path), path].some(rules.excludes);

  const isTakenWhole = (folder: string) =>
    rules.sets.some(({ includes }) =>
      includes.some(({ base, matches }) => isIn(folder, base) && matches(below(folder, anyName))),
    );

  function take(path: string, name: string, stats: Stats, taker: Taker): void {
    if (stats.isFile() || stats.isSymbolicLink()) {
      if (!found.has(path)) found.set(path, { path, name, stats, ...taker });
    } else miss(name, `It is ${kindOf(stats)}, which a liferaft cannot contain.`, taker);
  }

  /** Follows a path, and takes the links on the way. */
  function lead(name: string, taker: Taker, onFolder: (path: string) => void): void {
    const { path, stats, links, why, isHidden } = follow(name, silentAt);
    const closed = links.length > 0 ? closedBy(path, name) : undefined;
    const goesOn =
      stats !== undefined && closed === undefined && (links.length === 0 || !isOut(path));
    for (const link of links) {
      // A link that leads to nothing that goes in is taken only if a rule names it.
      if ((goesOn || link.path === name) && !isOut(link.path))
        take(link.path, name, link.stats, taker);
    }
    if (closed !== undefined)
      miss(name, `It leads to ${path}, and nothing is restored in ${closed}.`, taker);
    else if (why !== undefined) miss(name, why, taker, isHidden && path);
    else if (stats !== undefined && links.length > 0) {
      const shut = [...links.map((link) => link.path), path].find(isOutByWildcard);
      if (shut !== undefined) miss(name, `It leads to ${shut}. ${wildcardKeepsOut}`, taker);
    }
    if (stats === undefined) {
      if (why === undefined && taker.essential?.everywhere) {
        miss(name, 'It is missing, although every Debian has it.', taker);
      }
    } else if (!goesOn) return;
    else if (stats.isDirectory()) onFolder(path);
    else if (taker.include.matches(name)) take(path, name, stats, taker);
  }

  /** Handles a link in a folder. It is followed if the include matches it by name. */
  function leadOn(path: string, name: string, taker: Taker): void {
    const { include } = taker;
    if (!include.names(name)) {
      unfollowed.push({ path, name, taker, mayBeFile: true });
      return;
    }
    lead(name, taker, (folder) => {
      if (!isTakenWhole(name)) {
        miss(name, `It leads to the folder ${folder}. ${takesNoFolders(include)}`, taker);
      } else if (!visited.has(folder)) unfollowed.push({ path, name, taker, mayBeFile: false });
    });
  }

  function lookIn(
    folder: string,
    name: string,
    depth: number,
    taker: Taker,
    count: { of: number },
  ): void {
    const silent = silentAt(folder);
    const listing = silent ?? listingOf(folder, name, depth, taker.include);
    if (listing === undefined) return;
    if (typeof listing === 'string') {
      miss(name, listing, taker, folder);
      return;
    }
    visited.add(folder);
    const { entries } = listing;
    if (count.of + entries > max.byInclude || lookedAt + entries > max.byAll) {
      const why = `Not all of it was searched: it has over ${max.byInclude} paths, or over ${max.byAll} together with other includes. Include less.`;
      miss(taker.include.base, why, taker);
      return;
    }
    // Counted only now: a folder that is not looked at leaves its room to the others.
    count.of += entries;
    lookedAt += entries;
    const { folders, unmatchedLinks, others, broken, shut } = listing;
    const before = found.size;
    for (const entry of broken) miss(below(name, entry), 'Its name is not UTF-8.', taker);
    for (const entry of shut) {
      const at = below(name, entry);
      const why = `It is a folder. ${takesNoFolders(taker.include)}`;
      if (!isTakenWhole(at)) miss(at, why, taker);
    }
    for (const entry of folders) {
      lookIn(below(folder, entry), below(name, entry), depth - 1, taker, count);
    }
    for (const entry of unmatchedLinks) {
      const [path, at] = [below(folder, entry), below(name, entry)];
      unfollowed.push({ path, name: at, taker, mayBeFile: false });
    }
    for (const entry of others) look(below(folder, entry), below(name, entry), taker);
    // A folder of which nothing goes in, such as that of a socket: nobody would make it again after a restore.
    if (found.size === before && taker.include.takesFolders && !found.has(folder))
      found.set(folder, { path: folder, name, stats: listing.stats, ...taker });
  }

  function look(path: string, name: string, taker: Taker): void {
    const stats = silentAt(path) ?? lstatOrWhy(path);
    if (stats === undefined) return;
    if (typeof stats === 'string') miss(name, stats, taker, path);
    else if (!stats.isDirectory()) {
      take(path, name, stats, taker);
      if (stats.isSymbolicLink()) leadOn(path, name, taker);
    }
  }

  /** Uses the former listing if the folder's time stamps are the same: they change when a name in it comes or goes. */
  function listingOf(
    folder: string,
    name: string,
    depth: number,
    include: Include,
  ): Listing | string | undefined {
    const lookedAtMs = Date.now();
    const stats = lstatOrWhy(folder);
    if (typeof stats !== 'object') return stats;
    let listing = former.get(include)?.get(name);
    if (listing?.folder !== folder || !listing.settled || !isUnchanged(listing.stats, stats)) {
      const isLeftOut = (path: string) => never.has(path) || rules.excludes(path);
      const read = readListing({ folder, name, stats, depth, include, isLeftOut, lookedAtMs });
      if (typeof read === 'string') return read;
      listing = read;
    }
    const ofInclude = listings.get(include) ?? new Map<string, Listing>();
    listings.set(include, ofInclude.set(name, listing));
    return listing;
  }

  /** Reports the target of a link that was not followed, if nothing else takes it in. */
  function missUnfollowed({ path, name, taker, mayBeFile }: (typeof unfollowed)[number]): void {
    const read = targetOrWhy(path);
    if (typeof read !== 'object' || closedBy(read.target, name) !== undefined) return;
    const { path: target, stats, links } = follow(path, silentAt);
    if (stats === undefined || (!mayBeFile && !stats.isDirectory())) return;
    if (closedBy(target, name) !== undefined) return;
    const isTaken = found.has(target) || visited.has(target);
    // After a restore the link needs the links on the way, too.
    const way = [...links.slice(1).map((link) => link.path), ...(isTaken ? [] : [target])];
    const outside = way.find((each) => !found.has(each) && !isOut(each));
    if (outside !== undefined)
      miss(
        name,
        `It is a link to ${outside}, which no rule includes; only the link goes in.`,
        taker,
      );
  }

  for (const essential of essentials) {
    const { path } = essential;
    const covering = rules.sets.flatMap((set) =>
      set.includes
        .filter((include) => isIn(path, include.base) && include.matches(path))
        .map((include) => ({ include, set, essential })),
    )[0];
    if (covering === undefined) continue;
    if (!isOut(path)) {
      lead(path, covering, (folder) => {
        miss(
          path,
          folder === path
            ? 'It is a folder, not a file.'
            : `It leads to the folder ${folder}, not to a file.`,
          covering,
        );
      });
    } else if (isOutByWildcard(path) && typeof lstatOrWhy(path) === 'object') {
      miss(path, wildcardKeepsOut, covering);
    }
  }
  // The narrowest include first: what it takes does not count for a wide one, which may be cut short.
  const takers = rules.sets
    .flatMap((set) => set.includes.map((include) => ({ include, set })))
    .sort((a, b) => b.include.base.length - a.include.base.length);
  for (const taker of takers) {
    const { base, depth } = taker.include;
    if (isOut(base)) continue;
    lead(base, taker, (folder) => {
      lookIn(folder, base, depth, taker, { of: 0 });
    });
  }
  for (const each of unfollowed) missUnfollowed(each);
  return { found: [...found.values()], missed: [...missed.values()], listings };
}

const wildcardKeepsOut =
  'An exclude with a wildcard keeps it out. Narrow that, or exclude this file by its own path.';

/** The folder where nothing is restored, if a link leads into it. A path that a rule names there does not count. */
function closedBy(path: string, name: string): string | undefined {
  if (path === '/') return '/';
  return neverRestored.find((each) => (isIn(path, each) || isIn(each, path)) && !isIn(name, each));
}

function kindOf(stats: Stats): string {
  if (stats.isSocket()) return 'a socket';
  if (stats.isFIFO()) return 'a fifo';
  return 'a device';
}
