/** Limits of a pool. */
export interface PoolLimits {
  max: number;
  /** The max number in one group, such as an address or a caller. */
  maxPerGroup: number;
}

/** Connections of one kind, in groups. A pool may exceed its limits until its user takes some out. */
export interface ConnectionPool<T> {
  add(connection: T, group: string): void;
  /** Makes it the newest of its group. */
  refresh(connection: T): void;
  /** @returns whether it was in the pool */
  remove(connection: T): boolean;
  /** The number of connections. */
  size(): number;
  /** Whether there are more than `max`, or more than `maxPerGroup` of a group. */
  isTooLarge(): boolean;
  /**
   * Takes out the oldest connection of the largest group, so that larger groups cannot displace a smaller one.
   * @param mayGo whether a connection may be taken out
   */
  takeOut(mayGo: (connection: T) => boolean): T | undefined;
}

export function makeConnectionPool<T>({ max, maxPerGroup }: PoolLimits): ConnectionPool<T> {
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
      groups.set(name, (groups.get(name) ?? new Set()).add(connection));
      groupOf.set(connection, name);
    },
    refresh(connection) {
      const group = groups.get(groupOf.get(connection) ?? '');
      if (group?.delete(connection)) group.add(connection);
    },
    remove,
    size: () => groupOf.size,
    isTooLarge: () => groupOf.size > max || largestOf(groups.values()).size > maxPerGroup,
    takeOut(mayGo) {
      const gone = firstOf(largestOf(groups.values()), mayGo);
      if (gone !== undefined) remove(gone);
      return gone;
    },
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
