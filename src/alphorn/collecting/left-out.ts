/** Something that the rules name and that is not in the liferaft, or not as it is now. */
export interface LeftOut {
  /** As the rules lead to it. */
  path: string;
  why: string;
  /** Whether a host cannot be brought back without it. */
  essential: boolean;
  /** Whether the liferaft has what was there before. */
  kept: boolean;
}

/** How many are listed at most: a status has to be read, and each of them is kept in memory. */
export const maxLeftOut = 1000;

/** What is kept as it was may be read in one round and not in the next; it is told again after so long. */
const sameForMs = 600_000;

/**
 * Tells what is left out from one round to the next.
 * @returns a function that takes what is left out now and gives what was not left out before, or for another reason.
 *   What grows meanwhile, by the numbers in its reason, is the same.
 */
export function makeNewlyLeftOut(): (now: readonly LeftOut[]) => LeftOut[] {
  /** By what was told: when it was left out last, if that counts for longer than it is so. */
  const logged = new Map<string, number>();
  return (now) => {
    const atMs = performance.now();
    const added: LeftOut[] = [];
    const present = new Set<string>();
    for (const each of now) {
      const key = [each.path, each.why.replace(/\d+/g, '0'), each.kept].join('\0');
      present.add(key);
      if (!logged.has(key)) added.push(each);
      logged.set(key, each.kept ? atMs : -Infinity);
    }
    for (const [key, lastMs] of logged) {
      if (!present.has(key) && atMs - lastMs > sameForMs) logged.delete(key);
    }
    return added;
  };
}
