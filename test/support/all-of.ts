/** Collects everything that a generator yields. */
export async function allOf<T>(generator: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of generator) all.push(each);
  return all;
}
