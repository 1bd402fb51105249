/**
 * Keeps what was read for as long as its source stays the same.
 *
 * INVARIANTS
 * - A value is handed out only under the stamp that its source had before the reading of it began.
 * - All who ask for one key under one stamp share one reading, also one that is under way.
 * - A failure goes to those who wait for it, and is not kept.
 * - At most `atMost` values are kept; the one that nobody asked for the longest goes first.
 *
 * @param stampOf changes whenever the source of that key does
 */
export function keepEach<T>(
  stampOf: (key: string) => Promise<string>,
  read: (key: string) => Promise<T>,
  atMost: number,
): (key: string) => Promise<T> {
  // A Map keeps the order of insertion.
  const kept = new Map<string, { stamp: string; value: Promise<T> }>();
  return async (key) => {
    const stamp = await stampOf(key);
    const present = kept.get(key);
    const entry = present?.stamp === stamp ? present : { stamp, value: read(key) };
    kept.delete(key);
    kept.set(key, entry);
    const [longestUnasked] = kept.keys();
    if (kept.size > atMost && longestUnasked !== undefined) kept.delete(longestUnasked);
    try {
      return await entry.value;
    } catch (error) {
      if (kept.get(key) === entry) kept.delete(key);
      throw error;
    }
  };
}

/** The same for one value. */
export function keep<T>(stampOf: () => Promise<string>, read: () => Promise<T>): () => Promise<T> {
  const each = keepEach(stampOf, read, 1);
  return () => each('');
}
