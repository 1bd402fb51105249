/** Makes a function that runs its work one call after another, in the order of the calls. */
export function makeSerializer(): <T>(run: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (run) => {
    const turn = last.then(run, run);
    last = turn;
    return turn;
  };
}

/** Makes a function that runs work of one key one call after another, and of different keys side by side. */
export function makeSerializerPerKey(): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const waiting = new Map<
    string,
    { serialize: ReturnType<typeof makeSerializer>; count: number }
  >();
  return async (key, work) => {
    const entry = waiting.get(key) ?? { serialize: makeSerializer(), count: 0 };
    waiting.set(key, entry);
    entry.count += 1;
    try {
      return await entry.serialize(work);
    } finally {
      entry.count -= 1;
      if (entry.count === 0) waiting.delete(key);
    }
  };
}
