/** A path that the rules include, and that is not in the liferaft, or not as it is now. */
export interface LeftOut {
  /** The path by which the rules lead to it. */
  path: string;
  why: string;
  /** Whether a host cannot be brought back without it. */
  essential: boolean;
  /** Whether the liferaft has its former content. The API's answers have this key. */
  kept: boolean;
}

/** Max number that is listed: people read a status, and each entry takes memory. */
export const maxLeftOut = 1000;

/**
 * A file that stays as it was may be readable in one round and not in the next. It is reported again after this time.
 */
const sameForMs = 600_000;

/**
 * Compares what is left out from one round to the next.
 * @returns a function that takes what is left out now, and returns the entries that are new or have a new reason.
 *   Reasons that differ only in their numbers are the same.
 */
export function makeNewlyLeftOut(): (now: readonly LeftOut[]) => LeftOut[] {
  /** By entry: when it was last left out, if the entry outlasts its absence; otherwise -Infinity. */
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
