import { dirname } from 'node:path';

import { maxListBytes } from '../format/permissions.ts';
import { limits } from '../format/limits.ts';
import { parentsOf } from '../format/paths.ts';
import type { Include, RuleSet } from './rules.ts';
import { maxEssentialBytes } from './essential.ts';
import type { Found, Missed } from './walk/walk.ts';

/** Max bytes of an entry of the manifest, without its path and target. */
const entryBytes = 320;
/** If an include leaves out at most this many paths, each of them is named. */
const maxNamed = 20;

/**
 * Chooses what there is room for. Essential files come first. The other files are limited by the caps of their set and
 * by the format of liferafts. Includes that need a smaller share come first; one that needs too much gets what is left.
 * So a folder that grows displaces only its own content.
 * @param found in the order of their paths; the result has the same order
 */
export function withinCaps(found: readonly Found[]): { taken: Found[]; missed: Missed[] } {
  const missed: Missed[] = [];
  const miss = ({ name }: Found, essential: boolean, why: string) => {
    missed.push({ name, why, essential });
  };
  const taken = new Set<Found>();
  const inLiferaft = roomInLiferaft();
  const byInclude = new Map<Include, Found[]>();
  for (const each of found) {
    const { stats, set, essential, include } = each;
    if (essential) {
      const why =
        stats.size > maxEssentialBytes
          ? `It is larger than ${maxEssentialBytes} bytes, the maximum of such a file.`
          : undefined;
      if (why === undefined) {
        inLiferaft.add(each);
        taken.add(each);
      } else miss(each, true, why);
    } else if (stats.isFile() && stats.size > set.maxFileBytes) {
      const why = `It has ${stats.size} bytes, and max_file_bytes of ${set.name} is ${set.maxFileBytes}.`;
      miss(each, false, why);
    } else {
      const ofInclude = byInclude.get(include) ?? [];
      ofInclude.push(each);
      byInclude.set(include, ofInclude);
    }
  }
  const rooms = new Map<RuleSet, Room>();
  for (const group of [...byInclude.values()].sort((a, b) => shareOf(a) - shareOf(b))) {
    const [{ set, include }] = group as [Found];
    const inSet = rooms.get(set) ?? roomInSet(set);
    rooms.set(set, inSet);
    const left: { each: Found; limit: string }[] = [];
    for (const each of group) {
      const limit = inSet.whyNot(each) ?? inLiferaft.whyNot(each);
      if (limit === undefined) {
        inSet.add(each);
        inLiferaft.add(each);
        taken.add(each);
      } else left.push({ each, limit });
    }
    const [first] = left;
    if (first === undefined) continue;
    if (left.length > maxNamed) {
      const why = `Only a part of it goes in, because all of it would exceed ${first.limit}.`;
      missed.push({ name: include.text, why, essential: false });
    } else {
      for (const { each, limit } of left) {
        miss(each, false, `All of ${include.text} would exceed ${limit}.`);
      }
    }
  }
  return { taken: found.filter((each) => taken.has(each)), missed };
}

interface Room {
  /** The limit that this path would exceed; undefined if there is room for it. */
  whyNot(found: Found): string | undefined;
  add(found: Found): void;
}

function roomInSet({ name, maxFiles, maxBytes }: RuleSet): Room {
  let [files, bytes] = [0, 0];
  return {
    whyNot(found) {
      if (files + 1 > maxFiles) return `max_files of ${name}, which is ${maxFiles}`;
      if (bytes + sizeOf(found) > maxBytes) return `max_bytes of ${name}, which is ${maxBytes}`;
      return undefined;
    },
    add(found) {
      files += 1;
      bytes += sizeOf(found);
    },
  };
}

function roomInLiferaft(): Room {
  const folders = new Set<string>();
  let [items, bytes] = [0, 0];
  const pathsOf = ({ path }: Found) =>
    folders.has(dirname(path))
      ? [path]
      : [...parentsOf(path).filter((each) => !folders.has(each)), path];
  const bytesOf = (paths: readonly string[], { stats }: Found) =>
    paths.reduce((sum, path) => sum + Buffer.byteLength(JSON.stringify(path)) + entryBytes, 0) +
    // The size of a link is the length of its target.
    (stats.isSymbolicLink() ? 2 * stats.size : 0);
  return {
    whyNot(found) {
      const paths = pathsOf(found);
      if (items + paths.length > limits.items) return `the ${limits.items} paths of a liferaft`;
      if (bytes + bytesOf(paths, found) > limits.manifest - maxListBytes)
        return `the ${limits.manifest} bytes of a manifest`;
      return undefined;
    },
    add(found) {
      const paths = pathsOf(found);
      items += paths.length;
      bytes += bytesOf(paths, found);
      for (const folder of paths.slice(0, -1)) folders.add(folder);
    },
  };
}

function sizeOf({ stats }: Found): number {
  return stats.isFile() ? stats.size : 0;
}

/** The share of its set's caps that an include would take. */
function shareOf(group: readonly Found[]): number {
  const [{ set }] = group as [Found];
  const bytes = group.reduce((sum, each) => sum + sizeOf(each), 0);
  return Math.max(bytes / set.maxBytes, group.length / set.maxFiles);
}
