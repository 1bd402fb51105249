import { copyFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { Fault } from '../../kit/fault.ts';
import {
  createFile,
  makeFolder,
  orNoSpace,
  statIfThere,
  syncFolder,
} from '../../kit/files/files.ts';
import { type Connection, connectToWrite } from './connection.ts';
import { copyBefore } from './copies.ts';
import { mapped } from './errors.ts';
import { lockStore } from './lock.ts';
import { pendingIn, storeMigrations } from './migrate.ts';
import { readHighWater, writeHighWater } from './numbers.ts';
import { identityIn, numbersIn, removeStoreFiles } from './open.ts';
import { type StorePaths, storePaths } from './paths.ts';
import type { Migration, StoreIdentity } from './store.ts';

/** What a restore did. */
export interface Restored {
  identity: StoreIdentity;
  /** Where the former store is now; undefined if there was none. */
  former: string | undefined;
}

/**
 * Puts a backup in the place of the store. The epoch grows above all that this folder has seen of that store, so nodes
 * follow the restored store and no copy of the former one. Numbers go on above those that were given out.
 *
 * INVARIANTS
 * - The former store stays until the new one is complete and on the disk. Then one rename exchanges them.
 * - The mark of the numbers and of the epoch is written before the rename.
 * Faults: `backup_refused`, `store_newer`, `store_in_use`, `no_space`, `store_unavailable`
 */
export async function restoreStore({
  folder,
  from,
  migrations,
}: {
  folder: string;
  from: string;
  migrations: readonly Migration[];
}): Promise<Restored> {
  const paths = storePaths(folder);
  await makeFolder(folder);
  const unlock = lockStore(paths);
  const making = `${paths.file}.restoring`;
  try {
    await copyBackup(from, making);
    const identity = await raise(paths, making, from, migrations);
    const former = await setAside(paths);
    await orNoSpace(paths.file, () => rename(making, paths.file));
    await syncFolder(folder);
    return { identity, former };
  } catch (error) {
    throw mapped(error, folder);
  } finally {
    await removeStoreFiles(making);
    unlock();
  }
}

/** Faults: `backup_refused`, `no_space` */
async function copyBackup(from: string, to: string): Promise<void> {
  const found = await statIfThere(from);
  if (found?.isFile() !== true || found.size === 0) {
    throw new Fault(
      'backup_refused',
      `There is no backup at ${from}. Name a file that 'hactl controller backup' has made.`,
    );
  }
  await removeStoreFiles(to);
  // A new file with the right mode, because a copy would have that of the backup.
  await createFile(to, '', 0o600);
  await orNoSpace(to, () => copyFile(from, to));
}

/** Checks the copy, and raises its epoch and its numbers. */
async function raise(
  paths: StorePaths,
  file: string,
  from: string,
  migrations: readonly Migration[],
): Promise<StoreIdentity> {
  let connection: Connection;
  try {
    connection = connectToWrite(file);
  } catch (error) {
    throw notABackup(from, error);
  }
  try {
    check(connection, from, migrations);
    const former = identityIn(connection, from);
    const mark = (await readHighWater(paths.numbers)).get(former.id);
    const epoch = Math.max(former.epoch, mark?.epoch ?? 0) + 1;
    const numbers = new Map(numbersIn(connection));
    for (const [name, number] of Object.entries(mark?.numbers ?? {})) {
      numbers.set(name, Math.max(number, numbers.get(name) ?? 0));
    }
    connection.exec('BEGIN IMMEDIATE');
    connection.run('UPDATE store SET epoch = $1', [epoch]);
    for (const [name, last] of numbers) {
      connection.run(
        'INSERT INTO numbers (name, last) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET last = $2',
        [name, last],
      );
    }
    connection.exec('COMMIT');
    await writeHighWater(paths.numbers, former.id, {
      epoch,
      numbers: Object.fromEntries(numbers),
    });
    return { id: former.id, epoch };
  } finally {
    connection.close();
  }
}

/** Faults: `backup_refused`, `store_newer` */
function check(connection: Connection, from: string, migrations: readonly Migration[]): void {
  try {
    const [verdict] = connection.all('PRAGMA integrity_check(1)');
    if (verdict?.['integrity_check'] !== 'ok') throw new Error('its content is damaged');
    pendingIn(connection, [...storeMigrations, ...migrations], from);
    identityIn(connection, from);
  } catch (error) {
    if (error instanceof Fault && error.code === 'store_newer') throw error;
    throw notABackup(from, error);
  }
}

function notABackup(from: string, error: unknown): Fault {
  // A fault says what to do as well, and here that is something else.
  const why = error instanceof Fault ? 'it is no store of ha-controller' : (error as Error).message;
  return new Fault(
    'backup_refused',
    `${from} cannot be restored (${why}). The store is as it was; name a file that 'hactl controller backup' has made.`,
  );
}

/**
 * Copies the former store, and moves its log into the file, so that the rename replaces all of it. A store that cannot be
 * read is moved away as it is.
 */
async function setAside(paths: StorePaths): Promise<string | undefined> {
  if ((await statIfThere(paths.file)) === undefined) return undefined;
  let connection: Connection | undefined;
  try {
    connection = connectToWrite(paths.file);
    const copy = await copyBefore(paths, connection, 'before-restore');
    connection.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    connection.close();
    await rm(`${paths.file}-wal`, { force: true });
    await rm(`${paths.file}-shm`, { force: true });
    return copy;
  } catch (error) {
    connection?.close();
    const fault = mapped(error, paths.folder);
    if (!(fault instanceof Fault && fault.code === 'store_damaged')) throw fault;
    return moveAway(paths);
  }
}

async function moveAway({ file, copies }: StorePaths): Promise<string> {
  await makeFolder(copies);
  const at = new Date().toISOString().replace(/[:.]/g, '-');
  const place = join(copies, `${at}-damaged.sqlite`);
  for (const ending of ['-wal', '-shm', '']) {
    if (await statIfThere(`${file}${ending}`)) await rename(`${file}${ending}`, place + ending);
  }
  return place;
}
