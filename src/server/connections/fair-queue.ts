/** Items that wait for their turn, in groups that take turns. The newest item of a group comes first. */
export interface FairQueue<T> {
  add(item: T, group: string): void;
  remove(item: T): void;
  /** Takes out the next item. */
  next(): T | undefined;
}

export function makeFairQueue<T>(): FairQueue<T> {
  // A Map and a Set keep the order in which items were added; the first group is the next one.
  const groups = new Map<string, Set<T>>();
  const groupOf = new Map<T, string>();

  function remove(item: T): void {
    const name = groupOf.get(item);
    if (name === undefined) return;
    groupOf.delete(item);
    const group = groups.get(name);
    group?.delete(item);
    if (group?.size === 0) groups.delete(name);
  }

  return {
    add(item, name) {
      groups.set(name, (groups.get(name) ?? new Set()).add(item));
      groupOf.set(item, name);
    },
    remove,
    next() {
      const [turn] = groups;
      if (turn === undefined) return undefined;
      const [name, group] = turn;
      const newest = [...group].at(-1) as T;
      // Moves the group to the end, or removes it with its last item.
      groups.delete(name);
      groups.set(name, group);
      remove(newest);
      return newest;
    },
  };
}
