import { join } from 'node:path';

import { Fault } from '../../../kit/fault.ts';
import type { AlphornPaths } from '../../paths.ts';
import { includedPaths } from '../../collecting/walk/included.ts';
import type { Mounts } from '../../collecting/walk/mounts.ts';
import type { Manifest } from '../../format/manifest.ts';
import { byPath, isIn } from '../../format/paths.ts';
import { readRules, type Rules } from '../../collecting/rules.ts';

/** Paths that would go into a liferaft of this host, and are not in the one that is compared. A restore leaves them. */
export interface OnlyHere {
  /** Files, links and empty folders, sorted; null if the rules of this host are wrong. */
  onlyHere: readonly string[] | null;
  /** How many more there are. */
  onlyHereMore: number;
}

/** Max number that is listed. */
const maxListed = 1000;

/** @param chosen the paths that are compared; a folder stands for everything in it; all if left out */
export async function findOnlyHere(
  { files, links, folders }: Manifest,
  chosen: readonly string[] | undefined,
  paths: AlphornPaths,
  mounts: Mounts,
): Promise<OnlyHere> {
  try {
    const { root } = paths;
    const inLiferaft = new Set([...files, ...links, ...folders].map(({ path }) => path));
    const rules = below(root, await readRules(paths.rules));
    // A link below another root may lead out of it.
    const all = (await includedPaths(rules, paths, mounts))
      .filter((path) => isIn(path, root) || root === '/')
      .map((path) => (root === '/' ? path : path.slice(root.length)))
      .filter((path) => !inLiferaft.has(path))
      .filter((path) => chosen === undefined || chosen.some((each) => isIn(path, each)))
      .map((path) => ({ path }))
      .sort(byPath)
      .map(({ path }) => path);
    return {
      onlyHere: all.slice(0, maxListed),
      onlyHereMore: Math.max(0, all.length - maxListed),
    };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { onlyHere: null, onlyHereMore: 0 };
  }
}

/** The rules for a host whose `/` is that folder. */
function below(root: string, rules: Rules): Rules {
  if (root === '/') return rules;
  const within = (path: string) => path.slice(root.length) || '/';
  return {
    ...rules,
    sets: rules.sets.map((set) => ({
      ...set,
      includes: set.includes.map((include) => ({
        ...include,
        base: join(root, include.base),
        matches: (path: string) => include.matches(within(path)),
        names: (path: string) => include.names(within(path)),
      })),
    })),
    excludes: (path) => rules.excludes(within(path)),
    excludesByName: (path) => rules.excludesByName(within(path)),
  };
}
