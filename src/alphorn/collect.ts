import { createHash } from 'node:crypto';
import {
  constants,
  type Dirent,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  type Stats,
  statSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

import { Fault, systemErrorCode } from '../errors.ts';
import { parseAccounts } from '../parsers/accounts.ts';
import type { AlphornPaths } from '../paths.ts';
import { type AccountNames, namedAclOf, notCarried, permissionsOf } from './aspects.ts';
import { type Attributes, type AttributeStore, makeAttributeStore } from './attributes.ts';
import {
  byPath,
  type FileItem,
  type FolderItem,
  type LinkItem,
  type Owned,
  parentsOf,
} from './manifest.ts';
import { type Include, type Rules, type RuleSet, rulesInvalid } from './rules.ts';

/** Something that the rules include and no liferaft can carry, or not by these rules, or not with all that it has. */
export interface LeftOut {
  path: string;
  why: string;
}

/** What is to go into a liferaft. Each list is in the order of its paths. */
export interface Collected {
  folders: readonly FolderItem[];
  files: readonly FileItem[];
  links: readonly LinkItem[];
  leftOut: readonly LeftOut[];
}

/** Finds what the rules include. */
export interface Collector {
  /**
   * What did not change since the last time is not read again, and is the same object.
   * Faults: `file_unsteady`, `alphorn_rules_invalid`
   */
  collect(rules: Rules): Promise<Collected>;
  /** Has the file read again the next time: it is not what was read, whatever its time stamps say. */
  distrust(path: string): void;
}

/** How often a file that changes while it is read is read, until the next round has to do it. */
export const tries = 5;
/** Of the first pause before another try; each is twice as long as the one before. */
const firstPauseMs = 20;
/** Paths that are looked at in one round at most. */
const mostLookedAt = 200_000;
/**
 * Of a file that changed so shortly before it was looked at, another change may have the same time stamps; git calls it
 * racy. Kernels have time stamps of 1 to 10 ms, some file systems of 2 s.
 */
const racyMs = 2000;
/**
 * A file that changed so shortly before it is read may change again without another time stamp, and so be read half as
 * it was and half as it is. It is read when it has been quiet for longer than the clock of any kernel needs to go on.
 */
const quietMs = 20;
/**
 * Samba's databases (tdb, and ldb on it). They are written to through memory, which moves no time stamp while a page
 * stays dirty, and tells no watch: they are read in each round, and when they are new, until two reads are the same.
 */
const writtenByMemory = /\.[tl]db$/;
/** Between two such reads: longer than a transaction takes. */
const databasePauseMs = 100;
/** Of one read of a file. */
const pieceBytes = 1024 * 1024;

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

/** What the rules take of a folder, as of when it was looked into last. */
interface Listing {
  stats: Stats;
  settled: boolean;
  /** Paths of the folders in it that are to be looked into. */
  folders: readonly string[];
  /** Paths of the others. */
  others: readonly string[];
  /** How much there is in it in all. */
  entries: number;
}

/** By include and path. */
type Listings = Map<Include, Map<string, Listing>>;

interface Found {
  path: string;
  stats: Stats;
  set: RuleSet;
}

/** @param paths where names of owners are, and what Alphorn itself keeps, which never goes in */
export function makeCollector(
  paths: Pick<AlphornPaths, 'passwd' | 'group' | 'own' | 'liferafts' | 'knownKeys' | 'restores'>,
  attributeStore: Pick<AttributeStore, 'read'> = makeAttributeStore(),
): Collector {
  const ofAlphorn = new Set([paths.own, paths.liferafts, paths.knownKeys, paths.restores]);
  const readUsers = makeNamesReader(paths.passwd);
  const readGroups = makeNamesReader(paths.group);
  let names: AccountNames = { users: new Map(), groups: new Map() };
  const known = new Map<string, Known>();
  const knownFolders = new Map<string, KnownFolder>();
  let listings: Listings = new Map();

  function readNames(): void {
    const [users, groups] = [readUsers(), readGroups()];
    if (users !== names.users || groups !== names.groups) names = { users, groups };
  }

  async function collectOnce(rules: Rules): Promise<Collected> {
    readNames();
    const lookedAtMs = Date.now();
    const { found, leftOut, listings: seen } = walk(rules, ofAlphorn, listings);
    listings = seen;
    const files: FileItem[] = [];
    const links: LinkItem[] = [];
    const within = withinCaps(found, leftOut);
    const folders = foldersOf(within);
    const changed = [
      ...within.filter(({ path, stats }) => !isKnown(known.get(path), stats)),
      ...folders.filter(({ path, stats }) => !isKnown(knownFolders.get(path), stats)),
    ];
    const attributes = await attributeStore.read(changed.map(({ path }) => path));
    const noteOn = (path: string, why: string | undefined) => {
      if (why !== undefined) leftOut.push({ path, why });
    };
    for (const { path, stats } of within) {
      if (stats.isDirectory()) continue;
      let entry = known.get(path);
      if (!entry || !isKnown(entry, stats)) {
        const read = await readItem(path, stats, entry, attributes.get(path));
        if (typeof read === 'string') {
          leftOut.push({ path, why: read });
          continue;
        }
        entry = {
          ...{ stats, names, item: read, note: notCarried(stats, attributes.get(path)) },
          settled: lookedAtMs - stats.ctimeMs > racyMs && !writtenByMemory.test(path),
        };
        known.set(path, entry);
      }
      noteOn(path, entry.note);
      if ('target' in entry.item) links.push(entry.item);
      else files.push(entry.item);
    }
    const empty = within.filter(({ stats }) => stats.isDirectory());
    const needed = new Set([...files, ...links, ...empty].flatMap(({ path }) => parentsOf(path)));
    for (const { path } of empty) needed.add(path);
    const folderItems = folders
      .filter(({ path }) => needed.has(path))
      .map(({ path, stats }) => {
        const entry = folderEntry(path, stats, attributes.get(path), lookedAtMs);
        noteOn(path, entry.note);
        return entry.item;
      });
    forget(known, files.length + links.length, [...files, ...links]);
    forget(knownFolders, folderItems.length, folderItems);
    return { folders: folderItems, files, links, leftOut: leftOut.sort(byPath) };
  }

  function isKnown(entry: Omit<Known, 'item'> | undefined, stats: Stats): boolean {
    return entry?.settled === true && entry.names === names && isSame(entry.stats, stats);
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
    attributes: Attributes | undefined,
  ): Promise<FileItem | string> {
    const formerFile = former && 'sha256' in former.item ? former.item : undefined;
    // Only names of owners may be others then.
    const isRead = former?.settled === true && isSame(former.stats, stats);
    const read =
      isRead && formerFile !== undefined
        ? formerFile
        : writtenByMemory.test(path)
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

  /** Those that these are in, and those among them. */
  function foldersOf(found: readonly Found[]): { path: string; stats: Stats }[] {
    const folders = new Map<string, { path: string; stats: Stats }>();
    for (const { path, stats } of found) {
      let folder = stats.isDirectory() ? path : dirname(path);
      while (folder !== '/' && !folders.has(folder)) {
        const now = folder;
        folders.set(now, { path: now, stats: orUnsteady(now, () => lstatSync(now)) });
        folder = dirname(folder);
      }
    }
    return [...folders.values()].sort(byPath);
  }

  function folderEntry(
    path: string,
    stats: Stats,
    attributes: Attributes | undefined,
    lookedAtMs: number,
  ): KnownFolder {
    if (!stats.isDirectory()) throw new Unsteady(path);
    const former = knownFolders.get(path);
    if (former && isKnown(former, stats)) return former;
    const defaultAcl = namedAclOf(attributes?.defaultAcl, names);
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
    async collect(rules) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await collectOnce(rules);
        } catch (error) {
          if (!(error instanceof Unsteady)) throw error;
          if (attempt === tries) throw fileUnsteady(error.path);
          await delay(firstPauseMs * 2 ** (attempt - 1));
        }
      }
    },
    distrust(path) {
      known.delete(path);
    },
  };
}

/** The files, links and empty folders that the rules include, whatever their caps, in no order. */
export function includedPaths(
  rules: Rules,
  paths: Pick<AlphornPaths, 'own' | 'liferafts' | 'knownKeys' | 'restores'>,
): string[] {
  const never = new Set([paths.own, paths.liferafts, paths.knownKeys, paths.restores]);
  return walk(rules, never, new Map()).found.map(({ path }) => path);
}

/** Of what changed while it was looked at. */
export class Unsteady extends Error {
  readonly path: string;
  constructor(path: string) {
    super(`${path} changed while it was read`);
    this.path = path;
  }
}

/** Of a file that is written to without end. */
export function fileUnsteady(path: string): Fault {
  return new Fault(
    'file_unsteady',
    `${path} changed each of the ${tries} times that it was read. The liferaft stays as it was; the next round tries again. If the file is a log or the like, exclude it in /etc/alphorn/manifest.d.`,
  );
}

function walk(
  rules: Rules,
  never: ReadonlySet<string>,
  formerListings: Listings,
): { found: readonly Found[]; leftOut: LeftOut[]; listings: Listings } {
  const listings: Listings = new Map();
  const found = new Map<string, Found>();
  const leftOut = new Map<string, LeftOut>();
  let lookedAt = 0;

  function leave(path: string, why: string): void {
    leftOut.set(path, { path, why });
  }

  function look(path: string, set: RuleSet): void {
    if (found.has(path)) return;
    const stats = lstatOrWhy(path);
    if (stats === undefined) {
      // What is no UTF-8 was read as this sign, and is not found by it.
      if (path.includes('\ufffd')) leave(path, 'Its name is not UTF-8.');
      return;
    }
    if (typeof stats === 'string') leave(path, stats);
    else if (stats.isFile() || stats.isSymbolicLink()) found.set(path, { path, stats, set });
    else if (!stats.isDirectory()) leave(path, `It is ${kindOf(stats)}, which stays here.`);
  }

  function lookIn(folder: string, depth: number, include: Include, set: RuleSet): void {
    const listing = listingOf(folder, depth, include);
    if (listing === undefined) return;
    if (typeof listing === 'string') {
      leave(folder, listing);
      return;
    }
    // Whoever needs it will not find it made by the package again.
    if (listing.folders.length + listing.others.length === 0 && include.takesFolders) {
      found.set(folder, { path: folder, stats: listing.stats, set });
    }
    lookedAt += listing.entries;
    if (lookedAt > mostLookedAt) {
      throw rulesInvalid(`They have more than ${mostLookedAt} paths looked at in each round.`);
    }
    for (const path of listing.folders) lookIn(path, depth - 1, include, set);
    for (const path of listing.others) look(path, set);
  }

  /** A folder's own time stamps tell when a name in it came or went. */
  function listingOf(
    folder: string,
    depth: number,
    include: Include,
  ): Listing | string | undefined {
    const lookedAtMs = Date.now();
    const stats = lstatOrWhy(folder);
    if (typeof stats !== 'object') return stats;
    let listing = formerListings.get(include)?.get(folder);
    if (!listing?.settled || !isSame(listing.stats, stats)) {
      const entries = entriesOrWhy(folder);
      if (typeof entries === 'string') return entries;
      const [folders, others]: [string[], string[]] = [[], []];
      for (const entry of entries) {
        const path = folder === '/' ? `/${entry.name}` : `${folder}/${entry.name}`;
        if (never.has(path) || rules.excludes(path)) continue;
        if (!entry.isDirectory()) {
          if (include.matches(path)) others.push(path);
        } else if (depth > 1) folders.push(path);
      }
      const settled = lookedAtMs - stats.ctimeMs > racyMs;
      listing = { stats, settled, folders, others, entries: entries.length };
    }
    const ofInclude = listings.get(include) ?? new Map<string, Listing>();
    listings.set(include, ofInclude.set(folder, listing));
    return listing;
  }

  for (const set of rules.sets) {
    for (const include of set.includes) {
      const { base } = include;
      const link = parentsOf(base).find(isLink);
      if (link !== undefined) {
        if (existsSync(base)) leave(base, `${link} is a link. Include it where it leads to.`);
        continue;
      }
      if ([...parentsOf(base), base].some((path) => never.has(path) || rules.excludes(path)))
        continue;
      const stats = lstatOrWhy(base);
      if (stats === undefined) continue;
      if (typeof stats !== 'string' && stats.isDirectory())
        lookIn(base, include.depth, include, set);
      else if (include.matches(base)) look(base, set);
    }
  }
  return { found: [...found.values()].sort(byPath), leftOut: [...leftOut.values()], listings };
}

/** What is found by rules that have room for it; of the others it is noted why not. */
function withinCaps(found: readonly Found[], leftOut: LeftOut[]): Found[] {
  const taken = new Map<RuleSet, { files: number; bytes: number }>();
  return found.filter(({ path, stats, set }) => {
    const of = taken.get(set) ?? { files: 0, bytes: 0 };
    taken.set(set, of);
    const size = stats.isFile() ? stats.size : 0;
    const why =
      size > set.maxFileBytes
        ? `It has ${size} bytes, and max_file_bytes of ${set.name} is ${set.maxFileBytes}.`
        : of.files + 1 > set.maxFiles
          ? `It is one more than max_files of ${set.name}, which is ${set.maxFiles}.`
          : of.bytes + size > set.maxBytes
            ? `With it, it would be more than max_bytes of ${set.name}, which is ${set.maxBytes}.`
            : undefined;
    if (why !== undefined) {
      leftOut.push({ path, why });
      return false;
    }
    of.files += 1;
    of.bytes += size;
    return true;
  });
}

/**
 * Reads a file that has to stay as it is for that long.
 * @returns its digest, or why it is left out
 */
async function digestOfFile(
  path: string,
  stats: Stats,
): Promise<{ sha256: string } | { why: string }> {
  let file;
  try {
    // Neither another file behind a link nor, if it is a fifo by now, a wait for who writes to it.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isGone(error) || systemErrorCode(error) === 'ELOOP') throw new Unsteady(path);
    return { why: unreadable(error) };
  }
  try {
    // Far in the future is where the clock was put back, and says nothing.
    const isQuiet = Math.abs(Date.now() - stats.ctimeMs) > quietMs;
    if (!isQuiet || !isSame(await file.stat(), stats)) throw new Unsteady(path);
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(Math.min(pieceBytes, stats.size + 1));
    let size = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) break;
      size += bytesRead;
      hash.update(buffer.subarray(0, bytesRead));
    }
    if (!isSame(await file.stat(), stats)) throw new Unsteady(path);
    // Files of the kernel say any size.
    if (size !== stats.size) {
      return { why: `It has ${size} bytes and says that it has ${stats.size}.` };
    }
    return { sha256: hash.digest('hex') };
  } catch (error) {
    if (error instanceof Unsteady) throw error;
    return { why: unreadable(error) };
  } finally {
    await file.close();
  }
}

/** Of one that is new, when two reads a while apart are the same. @returns as digestOfFile */
async function digestOfDatabase(
  path: string,
  stats: Stats,
  former: string | undefined,
): Promise<{ sha256: string } | { why: string }> {
  const first = await digestOfFile(path, stats);
  if ('why' in first || first.sha256 === former) return first;
  await delay(databasePauseMs);
  const second = await digestOfFile(path, stats);
  if ('why' in second || second.sha256 === first.sha256) return second;
  throw new Unsteady(path);
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

/** Whether a file is the same, and nothing was done to it: what changes its content changes its ctime (inode(7)). */
function isSame(a: Stats, b: Stats): boolean {
  return (
    a.ctimeMs === b.ctimeMs &&
    a.mtimeMs === b.mtimeMs &&
    a.size === b.size &&
    a.ino === b.ino &&
    a.dev === b.dev &&
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid
  );
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

function lstatOrWhy(path: string): Stats | string | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (isGone(error)) return undefined;
    return unreadable(error);
  }
}

function entriesOrWhy(folder: string): Dirent[] | string {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    return isGone(error) ? [] : unreadable(error);
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

function orUnsteady<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (isGone(error) || systemErrorCode(error) === 'EINVAL') throw new Unsteady(path);
    throw error;
  }
}

function isGone(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function unreadable(error: unknown): string {
  return `It cannot be read (${systemErrorCode(error) ?? String(error)}).`;
}

function kindOf(stats: Stats): string {
  if (stats.isSocket()) return 'a socket';
  if (stats.isFIFO()) return 'a fifo';
  return 'a device';
}
