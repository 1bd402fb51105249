import { copyOf, withReader } from './copies.ts';
import { lockStore } from './lock.ts';
import { demandStore } from './open.ts';
import { storePaths } from './paths.ts';

/**
 * Writes all of a store that no process has open to one file. The store itself is not changed, whatever version of the
 * program has written it.
 * Faults: `store_missing`, `store_in_use`, `store_damaged`, `store_unavailable`, `no_space`
 */
export async function backupClosedStore(folder: string, to: string): Promise<void> {
  const paths = storePaths(folder);
  await demandStore(paths);
  const unlock = lockStore(paths);
  try {
    await withReader(paths.file, (connection) => copyOf(paths, connection, to));
  } finally {
    unlock();
  }
}
