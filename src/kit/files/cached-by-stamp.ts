/**
 * Caches what was read until its source changes.
 *
 * INVARIANTS
 * - A value is returned only under the stamp that its source had before the value was read.
 * - All callers that ask for one key under one stamp share one read, even while it is under way.
 * - Callers that wait for a failing read get the failure; it is not cached.
 * - At most `maxValues` values are cached; the least recently used one is dropped first.
 *
 * @returns the value of a key; the stamp changes whenever the source of the key does
 */
export function cacheEach<T>(
  read: (key: string) => Promise<T>,
  maxValues: number,
): (key: string, stamp: string) => Promise<T> {
  // A Map keeps the order of insertion.
  const cached = new Map<string, { stamp: string; value: Promise<T> }>();
  return async (key, stamp) => {
    const present = cached.get(key);
    const entry = present?.stamp === stamp ? present : { stamp, value: read(key) };
    cached.delete(key);
    cached.set(key, entry);
    const [unused] = cached.keys();
    if (cached.size > maxValues && unused !== undefined) cached.delete(unused);
    try {
      return await entry.value;
    } catch (error) {
      if (cached.get(key) === entry) cached.delete(key);
      throw error;
    }
  };
}

/** The same with a function that reads the stamp of a key. */
export function cacheEachByStamp<T>(
  stampOf: (key: string) => Promise<string>,
  read: (key: string) => Promise<T>,
  maxValues: number,
): (key: string) => Promise<T> {
  const each = cacheEach(read, maxValues);
  return async (key) => each(key, await stampOf(key));
}

/** The same for one value. */
export function cacheByStamp<T>(
  stampOf: () => Promise<string>,
  read: () => Promise<T>,
): () => Promise<T> {
  const each = cacheEachByStamp(stampOf, read, 1);
  return () => each('');
}
