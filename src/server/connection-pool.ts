/** Bounds of a pool. */
export interface PoolLimits {
  max: number;
  /** Of one group, such as an address or a caller. */
  maxPerGroup: number;
}

/**
 * Connections of one kind, in groups.
 *
 * INVARIANTS
 * - At most `max` are in the pool, and at most `maxPerGroup` of one group.
 * - When one too many is added, the oldest of its group makes room if the group is full, else the oldest of the group
 *   that has most. So a group that has fewer than others cannot be driven out by them.
 */
export interface ConnectionPool<T> {
  /**
   * Adds a connection and takes out the one that has to make room for it.
   * @returns the one that was taken out; the new one itself if none of the others may be
   */
  add(connection: T, group: string): T | undefined;
  /** @returns whether it was in the pool */
  remove(connection: T): boolean;
}

/** @param mayGo whether a connection may be taken out to make room */
export function makeConnectionPool<T>(
  { max, maxPerGroup }: PoolLimits,
  mayGo: (connection: T) => boolean = () => true,
): ConnectionPool<T> {
  // A Set and a Map keep the order in which things were added.
  const groups = new Map<string, Set<T>>();
  const groupOf = new Map<T, string>();

  function remove(connection: T): boolean {
    const name = groupOf.get(connection);
    if (name === undefined) return false;
    groupOf.delete(connection);
    const group = groups.get(name);
    group?.delete(connection);
    if (group?.size === 0) groups.delete(name);
    return true;
  }

  return {
    add(connection, name) {
      const group = groups.get(name) ?? new Set();
      groups.set(name, group.add(connection));
      groupOf.set(connection, name);
      const full =
        group.size > maxPerGroup
          ? group
          : groupOf.size > max
            ? largestOf(groups.values())
            : undefined;
      if (full === undefined) return undefined;
      const gone = firstOf(full, (each) => each !== connection && mayGo(each)) ?? connection;
      remove(gone);
      return gone;
    },
    remove,
  };
}

/** The first of the largest sets. */
function largestOf<T>(sets: Iterable<Set<T>>): Set<T> {
  let largest = new Set<T>();
  for (const each of sets) if (each.size > largest.size) largest = each;
  return largest;
}

function firstOf<T>(all: Iterable<T>, isSought: (each: T) => boolean): T | undefined {
  for (const each of all) if (isSought(each)) return each;
  return undefined;
}
