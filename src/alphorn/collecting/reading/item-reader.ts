import type { Stats } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';

import { isUnchanged } from '../../../kit/files/unchanged.ts';
import type { Attributes } from '../../format/attributes.ts';
import type { FileItem, FolderItem, LinkItem, Owned } from '../../format/items.ts';
import {
  type AccountNames,
  defaultAclOf,
  notCarried,
  permissionsOf,
} from '../../format/permissions.ts';
import { racyMs, targetOrWhy } from '../walk/lookup.ts';
import { digestOfDatabase, digestOfFile, Unsteady, writtenByMemory } from './digest.ts';

/**
 * Makes the items of a manifest. What has not changed since the last time is not read again, and is the same object.
 */
export interface ItemReader {
  /** Reads the names of owners again; an item that was read with other names is read again. */
  refreshNames(): void;
  isKnownLeaf(path: string, stats: Stats): boolean;
  isKnownFolder(path: string, stats: Stats): boolean;
  /**
   * @param settled whether the same time stamps will mean the same content
   * @returns a file or link as it is now, or why it is left out
   * @throws Unsteady if it changes while it is read
   */
  readLeaf(
    path: string,
    stats: Stats,
    attributes: Attributes | undefined,
    settled: boolean,
  ): Promise<ReadItem<FileItem | LinkItem> | string>;
  /** Makes the item of a folder. */
  readFolder(
    path: string,
    stats: Stats,
    attributes: Attributes | undefined,
    lookedAtMs: number,
  ): ReadItem<FolderItem>;
  /** Forgets all except these. */
  forgetOthers(leaves: readonly { path: string }[], folders: readonly { path: string }[]): void;
  /** Makes the next round read a file or link again. */
  distrust(path: string): void;
}

export interface ReadItem<Item> {
  item: Item;
  /** What the path has and no liferaft carries. */
  note: string | undefined;
}

/** What is known of a path since it was last looked at. */
interface Known<Item> extends ReadItem<Item> {
  stats: Stats;
  /** Whether the same time stamps mean the same content. */
  settled: boolean;
  names: AccountNames;
}

export function makeItemReader(readNames: () => AccountNames): ItemReader {
  let names: AccountNames = { users: new Map(), groups: new Map() };
  const leaves = new Map<string, Known<FileItem | LinkItem>>();
  const folders = new Map<string, Known<FolderItem>>();

  function isKnown(entry: Known<unknown> | undefined, stats: Stats): boolean {
    return entry?.settled === true && entry.names === names && isUnchanged(entry.stats, stats);
  }

  /** @returns why it is left out, if it is */
  async function readItem(
    path: string,
    stats: Stats,
    former: Known<FileItem | LinkItem> | undefined,
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
    former: Known<FileItem | LinkItem> | undefined,
    attributes: Attributes | undefined,
  ): Promise<FileItem | string> {
    const formerFile = former && 'sha256' in former.item ? former.item : undefined;
    // Only the names of its owners may have changed then.
    const isRead = former?.settled === true && isUnchanged(former.stats, stats);
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

  return {
    refreshNames() {
      names = readNames();
    },
    isKnownLeaf: (path, stats) => isKnown(leaves.get(path), stats),
    isKnownFolder: (path, stats) => isKnown(folders.get(path), stats),
    async readLeaf(path, stats, attributes, settled) {
      const former = leaves.get(path);
      if (former && isKnown(former, stats)) return former;
      if (attributes?.failed !== undefined)
        return `Its access control list cannot be read: ${attributes.failed}.`;
      const item = await readItem(path, stats, former, attributes);
      if (typeof item === 'string') return item;
      const entry = {
        stats,
        names,
        item,
        note: notCarried(stats, attributes),
        settled: settled && !writtenByMemory(path),
      };
      leaves.set(path, entry);
      return entry;
    },
    readFolder(path, stats, attributes, lookedAtMs) {
      const former = folders.get(path);
      if (former && isKnown(former, stats)) return former;
      const defaultAcl = defaultAclOf(attributes?.defaultAcl, names);
      const item = {
        path,
        ...ownedOf(stats),
        ...permissionsOf(stats.mode & 0o7777, attributes?.acl, names),
        ...(defaultAcl && { defaultAcl }),
      };
      const entry = {
        stats,
        names,
        note: notCarried(stats, attributes),
        item: former && isDeepStrictEqual(former.item, item) ? former.item : item,
        settled: lookedAtMs - stats.ctimeMs > racyMs,
      };
      folders.set(path, entry);
      return entry;
    },
    forgetOthers(leavesNow, foldersNow) {
      forgetOthers(leaves, leavesNow);
      forgetOthers(folders, foldersNow);
    },
    distrust(path) {
      leaves.delete(path);
    },
  };
}

function forgetOthers(known: Map<string, unknown>, items: readonly { path: string }[]): void {
  if (known.size === items.length) return;
  const present = new Set(items.map(({ path }) => path));
  for (const path of known.keys()) if (!present.has(path)) known.delete(path);
}
