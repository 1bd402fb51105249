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

/**
 * Tells what is left out from one round to the next.
 * @returns a function that takes what is left out now and gives what was not left out before, or for another reason.
 *   What grows meanwhile, by the numbers in its reason, is the same.
 */
export function makeNewlyLeftOut(): (now: readonly LeftOut[]) => LeftOut[] {
  let former: ReadonlySet<string> = new Set();
  return (now) => {
    const keys = now.map(({ path, why, kept }) => `${path}\0${why.replace(/\d+/g, '0')}\0${kept}`);
    const added = now.filter((_each, index) => !former.has(keys[index] ?? ''));
    former = new Set(keys);
    return added;
  };
}
