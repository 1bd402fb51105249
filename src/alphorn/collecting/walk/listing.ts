import type { Stats } from 'node:fs';

import type { Include } from '../rules.ts';
import { brokenNames, entriesOrWhy, racyMs } from './lookup.ts';

/** What an include takes of a folder, by the names in it, as of when it was read last. */
export interface Listing {
  /** Without a link in it. */
  folder: string;
  stats: Stats;
  /** Whether the same time stamps mean the same names. */
  settled: boolean;
  /** To be looked into. */
  folders: readonly string[];
  /** Links that the include would have to follow to reach what it matches. */
  unmatchedLinks: readonly string[];
  /** All others that the include matches. */
  others: readonly string[];
  /** Folders that it matches without what is in them. */
  shut: readonly string[];
  /** Names that are not UTF-8. */
  broken: readonly string[];
  /** How much there is in the folder in all. */
  entries: number;
}

export interface ListingParts {
  folder: string;
  /** As the rules lead to the folder. */
  name: string;
  stats: Stats;
  /** How many folders deep the include reaches from here. */
  depth: number;
  include: Include;
  isLeftOut: (path: string) => boolean;
  lookedAtMs: number;
}

/** Whoever matches it in a folder means all that is in the folder. */
export const anyName = '-';

/** @returns why it cannot be read, if it cannot */
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
  return `${text} takes files and links alone: add ${text}/** for what is in it.`;
}

/** As join(), for names that need no thought. */
export function below(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`;
}
