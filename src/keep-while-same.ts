import { stat } from 'node:fs/promises';

/**
 * Keeps what is read for as long as the files that it comes from stay the same. A look at a file's
 * stamp costs less than a watch on it, and cannot miss a change.
 *
 * INVARIANTS
 * - A value is handed out only if the stamp that was taken before its reading is the stamp of now.
 * - One reading serves all who ask under one stamp. A failure serves those who wait, and no other.
 *
 * @param stamp tells one state of the files from another
 */
export function keepWhileSame<T>(
  stamp: () => Promise<string>,
  read: () => Promise<T>,
): () => Promise<T> {
  let kept: { stamp: string; value: Promise<T> } | undefined;
  return async () => {
    const current = await stamp();
    if (kept?.stamp === current) return kept.value;
    const reading = { stamp: current, value: read() };
    kept = reading;
    try {
      return await reading.value;
    } catch (error) {
      if (kept === reading) kept = undefined;
      throw error;
    }
  };
}

/** Changes whenever one of the files or folders is made, replaced, written or removed. */
export async function stampOf(paths: readonly string[]): Promise<string> {
  const stamps = await Promise.all(
    paths.map(async (path) => {
      try {
        const { ino, size, mtimeMs } = await stat(path);
        return [ino, size, mtimeMs].join(':');
      } catch {
        return 'missing';
      }
    }),
  );
  return stamps.join(' ');
}
