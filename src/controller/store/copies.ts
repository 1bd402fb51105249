import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { createFile, makeFolder, namesIn, orNoSpace, syncFolder } from '../../kit/files/files.ts';
import { type Connection, connect } from './connection.ts';
import { errorOfCopy, orStoreFault, sqliteFailureOf } from './errors.ts';
import type { StorePaths } from './paths.ts';

/** How many copies from before migrations and restores stay. */
const maxCopies = 10;

/**
 * Writes all of a store to one file, which only root can read. It replaces a file that is there.
 * @param copyTo has SQLite write to a path at which there is an empty file
 * Faults: `no_space`, and then there is no new file
 */
export async function writeCopy(
  path: string,
  copyTo: (temporary: string) => Promise<void> | void,
): Promise<void> {
  await makeFolder(dirname(path));
  const temporary = `${path}.making`;
  try {
    await rm(temporary, { force: true });
    // SQLite gives its files the mode of the process; VACUUM INTO takes an empty file.
    await createFile(temporary, '', 0o600);
    await copyTo(temporary);
    await orNoSpace(path, async () => {
      await syncFile(temporary);
      await rename(temporary, path);
      await syncFolder(dirname(path));
    });
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** SQLite leaves the sync of such a copy to its caller. */
async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Copies the store of a connection. Faults: `no_space`, `store_unavailable`, `store_damaged` */
export function copyOf(
  { folder }: Pick<StorePaths, 'folder'>,
  connection: Connection,
  path: string,
): Promise<void> {
  return writeCopy(path, (temporary) => {
    try {
      connection.run('VACUUM INTO $1', [temporary]);
    } catch (error) {
      const failure = sqliteFailureOf(error);
      throw failure ? errorOfCopy(failure, folder, path) : error;
    }
  });
}

/**
 * Copies the store to the folder of copies, and removes the oldest ones there.
 * @param why a part of the file's name, such as `before-gateway-2`
 * @returns the path of the copy
 */
export async function copyBefore(
  { copies, folder }: StorePaths,
  connection: Connection,
  why: string,
): Promise<string> {
  const at = new Date().toISOString().replace(/[:.]/g, '-');
  const path = join(copies, `${at}-${why}.db`);
  await copyOf({ folder }, connection, path);
  const names = (await namesIn(copies)).filter((name) => name.endsWith('.db')).sort();
  for (const name of names.slice(0, -maxCopies)) await rm(join(copies, name), { force: true });
  return path;
}

/** A read-only connection for as long as some work takes. Faults: those of errorOf */
export async function withReader<T>(
  file: string,
  work: (connection: Connection) => Promise<T> | T,
): Promise<T> {
  const connection = orStoreFault(dirname(file), () => connect(file, { isReadOnly: true }));
  try {
    return await work(connection);
  } finally {
    connection.close();
  }
}
