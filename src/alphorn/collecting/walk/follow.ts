import type { Stats } from 'node:fs';
import { dirname, join } from 'node:path';

import { lstatOrWhy, targetOrWhy } from './lookup.ts';

/** Where a path leads. */
export interface Followed {
  /** A path without a link in it. */
  path: string;
  /** Undefined if nothing is there, or it cannot be read. */
  stats: Stats | undefined;
  /** The links on the way, by paths that lead through no other link. */
  links: readonly { path: string; stats: Stats }[];
  /** Why it leads nowhere, if a link or folder on the way is the reason. */
  why?: string;
  /** Whether something may be there although it cannot be seen. */
  isHidden?: true;
}

/** The limit of Linux (path_resolution(7)). */
const maxLinks = 40;

/**
 * Follows a path as the kernel would, and names each link on the way.
 * @param silentAt returns why a path cannot be read, if its file system does not answer
 */
export function follow(path: string, silentAt: (path: string) => string | undefined): Followed {
  const links: { path: string; stats: Stats }[] = [];
  /** The rest of the way, with the link that each name comes from. */
  let left = namesOf(path, undefined);
  let at = '/';
  let stats = rootStats();
  for (let next = left.shift(); next !== undefined; next = left.shift()) {
    const { name, link } = next;
    const here = name === '..' ? dirname(at) : join(at, name);
    const silent = silentAt(here);
    stats = undefined;
    const looked = silent ?? lstatOrWhy(here);
    if (typeof looked === 'string') {
      const path = join(here, ...left.map((each) => each.name));
      return { path, stats, links, why: looked, isHidden: true };
    }
    stats = looked;
    const isDeadEnd =
      stats === undefined || (!stats.isDirectory() && !stats.isSymbolicLink() && left.length > 0);
    if (stats === undefined || isDeadEnd) {
      const rest = left.filter((each) => each.link === link).map((each) => each.name);
      const missing = { path: join(here, ...rest), stats: undefined, links };
      if (link === undefined) return missing;
      return { ...missing, why: `${link} is a link to ${missing.path}, which does not exist.` };
    }
    if (!stats.isSymbolicLink()) {
      at = here;
      continue;
    }
    links.push({ path: here, stats });
    if (links.length > maxLinks) {
      return {
        path: here,
        stats: undefined,
        links,
        why: `${here} is a link that leads in a circle.`,
      };
    }
    const read = targetOrWhy(here);
    if (read === undefined) return { path: here, stats: undefined, links: [] };
    if (typeof read === 'string') return { path: here, stats: undefined, links, why: read };
    if (read.target.startsWith('/')) at = '/';
    left = [...namesOf(read.target, here), ...left];
    stats = rootStats();
  }
  return { path: at, stats, links };
}

/** What a path without names leads to. */
function rootStats(): Stats | undefined {
  const stats = lstatOrWhy('/');
  return typeof stats === 'object' ? stats : undefined;
}

function namesOf(
  path: string,
  link: string | undefined,
): { name: string; link: string | undefined }[] {
  return path
    .split('/')
    .filter((name) => name !== '' && name !== '.')
    .map((name) => ({ name, link }));
}
