import type { Stats } from 'node:fs';

import type { Include } from '../rules.ts';
import { brokenNames, entriesOrWhy, racyMs } from './lookup.ts';

/** What an include takes of a folder, by name, as of the last time that the folder was read. */
export interface Listing {
  /** A path without a link in it. */
  folder: string;
  stats: Stats;
  /** Whether the same time stamps mean the same names. */
  settled: boolean;
  /** Folders to look into. */
  folders: readonly string[];
  /** Links that the include does not match, but would have to follow to reach what it matches. */
  unmatchedLinks: readonly string[];
  /** Everything else that the include matches. */
  others: readonly string[];
  /** Folders that the include matches without their content. */
  shut: readonly string[];
  /** Names that are not UTF-8. */
  broken: readonly string[];
  /** How many names are in the folder. */
  entries: number;
}

export interface ListingParts {
  folder: string;
  /** The path by which the rules lead to the folder. */
  name: string;
  stats: Stats;
  /** Max depth that the include reaches from here, in folders. */
  depth: number;
  include: Include;
  isLeftOut: (path: string) => boolean;
  lookedAtMs: number;
}

/** A pattern that matches this name in a folder takes everything in the folder. */
export const anyName = '-';

/** @returns a string if the folder cannot be read: the reason */
export function readListing(parts: ListingParts): Listing | string {
  const { folder, name, stats, depth, include, isLeftOut, lookedAtMs } = parts;
  const entries = entriesOrWhy(folder);
  if (typeof entries === 'string') return entries;
  const folders: string[] = [];
  const unmatchedLinks: string[] = [];
  const others: string[] = [];
  const shut: string[] = [];
  const broken: string[] = [];
  const notUtf8 = new Set(
    brokenNames(
      folder,
      entries.map((entry) => entry.name),
    ),
  );
  for (const entry of entries) {
    const named = below(name, entry.name);
    if (isLeftOut(named) || (name !== folder && isLeftOut(below(folder, entry.name)))) continue;
    const isFolder = entry.isDirectory();
    const goesIn = isFolder && depth > 1;
    const isMatched = include.matches(named);
    if (notUtf8.has(entry.name) && (goesIn || isMatched)) broken.push(entry.name);
    if (goesIn) folders.push(entry.name);
    if (isFolder) {
      if (isMatched && !(goesIn && include.matches(below(named, anyName)))) shut.push(entry.name);
    } else if (isMatched) others.push(entry.name);
    else if (depth > 1 && entry.isSymbolicLink()) unmatchedLinks.push(entry.name);
  }
  const settled = lookedAtMs - stats.ctimeMs > racyMs;
  return {
    folder,
    stats,
    settled,
    folders,
    unmatchedLinks,
    others,
    shut,
    broken,
    entries: entries.length,
  };
}

export function takesNoFolders({ text }: Include): string {
  return `${text} only takes files and links: add ${text}/** for its content.`;
}

/** Like join(), for names without special parts. */
export function below(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`;
}
