import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';

import { Fault } from '../../kit/fault.ts';
import {
  createFile,
  makeFolder,
  orNoSpace,
  statIfThere,
  syncFolder,
} from '../../kit/files/files.ts';
import { type Connection, connect, connectToWrite } from './connection.ts';
import { copyBefore, writeCopy } from './copies.ts';
import { errorOfCopy, mapped, orStoreFault, type SqliteFailure } from './errors.ts';
import { lockStore } from './lock.ts';
import { applyMigration, pendingIn, prepareMigrations, storeMigrations } from './migrate.ts';
import { openNumbers } from './numbers.ts';
import { type StorePaths, storePaths } from './paths.ts';
import type { Migration, Row, Store, StoreIdentity } from './store.ts';
import { openWriter } from './writer.ts';

/** The store of this host, in one file of SQLite. */
export interface LocalStore extends Store {
  /**
   * Writes all that is in it now to one file, which only root can read. Reads and writes go on meanwhile.
   * Faults: `no_space`, `store_unavailable`
   */
  backup(path: string): Promise<void>;
  /** Grows with each transaction. */
  commits(): number;
}

export interface StoreOptions {
  /** The state folder of the controller. */
  folder: string;
  /** The steps of all families, in their order. */
  migrations: readonly Migration[];
  /** Is called with a sentence for the log. */
  onNote?: (note: string) => void;
}

/**
 * Makes an empty store with a new identity.
 * Faults: `store_exists`, `store_in_use`, `no_space`, `store_unavailable`
 */
export async function makeStore({ folder, migrations }: StoreOptions): Promise<StoreIdentity> {
  const paths = storePaths(folder);
  await makeFolder(folder);
  const unlock = lockStore(paths);
  try {
    if (await statIfThere(paths.file)) {
      throw new Fault(
        'store_exists',
        `There is a store in ${folder} already. Nothing was changed; 'hactl controller status' says what is in it.`,
      );
    }
    const identity = { id: randomUUID(), epoch: 1 };
    const making = `${paths.file}.making`;
    await removeStoreFiles(making);
    try {
      await createFile(making, '', 0o600);
      orStoreFault(folder, () => {
        fill(making, identity, [...storeMigrations, ...migrations]);
      });
      await orNoSpace(paths.file, () => rename(making, paths.file));
      await syncFolder(folder);
    } finally {
      await removeStoreFiles(making);
    }
    return identity;
  } finally {
    unlock();
  }
}

/** Closing the only connection moves everything into the file itself. */
function fill(file: string, identity: StoreIdentity, migrations: readonly Migration[]): void {
  const connection = connectToWrite(file);
  try {
    prepareMigrations(connection);
    for (const each of migrations) applyMigration(connection, each);
    connection.run('INSERT INTO store (id, epoch, created_at) VALUES ($1, $2, $3)', [
      identity.id,
      identity.epoch,
      new Date().toISOString(),
    ]);
  } finally {
    connection.close();
  }
}

/** Removes a file of SQLite with what it has beside it. */
export async function removeStoreFiles(file: string): Promise<void> {
  for (const ending of ['', '-wal', '-shm', '-journal']) {
    await rm(`${file}${ending}`, { force: true });
  }
}

/**
 * Opens the store for this process alone, after the steps that its tables lack. Each step has a copy of the store before
 * it.
 * Faults: `store_missing`, `store_in_use`, `store_newer`, `store_damaged`, `store_unavailable`, `no_space`
 */
export async function openStore(options: StoreOptions): Promise<LocalStore> {
  const paths = storePaths(options.folder);
  await demandStore(paths);
  const unlock = lockStore(paths);
  try {
    const { identity, numbers } = await prepare(paths, options);
    return serve(paths, identity, await openNumbers(paths.numbers, identity, numbers), unlock);
  } catch (error) {
    unlock();
    throw mapped(error, paths.folder);
  }
}

/** Faults: `store_missing` */
export async function demandStore({ file, folder }: StorePaths): Promise<void> {
  if (await statIfThere(file)) return;
  throw new Fault(
    'store_missing',
    `There is no store in ${folder}. If it lies on a shared disk, mount that first; 'hactl controller init' makes an empty store, and 'hactl controller restore' one from a backup.`,
  );
}

async function prepare(
  paths: StorePaths,
  { migrations, onNote = () => undefined }: StoreOptions,
): Promise<{ identity: StoreIdentity; numbers: ReadonlyMap<string, number> }> {
  const connection = connectToWrite(paths.file);
  try {
    const all = [...storeMigrations, ...migrations];
    for (const each of pendingIn(connection, all, `The store in ${paths.folder}`)) {
      const copy = await copyBefore(paths, connection, `before-${each.name}`);
      applyMigration(connection, each);
      onNote(`The store has the tables of ${each.name} now; ${copy} is a copy from before.`);
    }
    return { identity: identityIn(connection, paths.folder), numbers: numbersIn(connection) };
  } finally {
    connection.close();
  }
}

/** Faults: `store_damaged` */
export function identityIn(connection: Connection, what: string): StoreIdentity {
  const [row] = connection.all('SELECT id, epoch FROM store');
  if (typeof row?.['id'] === 'string' && typeof row['epoch'] === 'number') {
    return { id: row['id'], epoch: row['epoch'] };
  }
  throw new Fault(
    'store_damaged',
    `The store in ${what} has no identity. Restore a backup with 'hactl controller restore'.`,
  );
}

export function numbersIn(connection: Connection): ReadonlyMap<string, number> {
  const rows = connection.all('SELECT name, last FROM numbers');
  return new Map(rows.map(({ name, last }) => [String(name), Number(last)]));
}

function serve(
  paths: StorePaths,
  identity: StoreIdentity,
  numbers: Awaited<ReturnType<typeof openNumbers>>,
  unlock: () => void,
): LocalStore {
  const { folder, file } = paths;
  const writer = openWriter(paths, numbers);
  // Reads see the last commit, and never wait for a transaction that is open (sqlite.org/wal.html).
  const reader = connect(file, { isReadOnly: true, waitMs: 1000 });
  let commits = 0;
  const all = (sql: string, values?: Parameters<Connection['all']>[1]): Promise<Row[]> =>
    new Promise((resolve) => {
      resolve(orStoreFault(folder, () => reader.all(sql, values)));
    });

  return {
    identity,
    all,
    one: async (sql, values) => (await all(sql, values))[0],
    async write(work) {
      const result = await writer.write(work);
      commits += 1;
      return result;
    },
    commits: () => commits,
    backup: (path) =>
      writeCopy(path, async (temporary) => {
        const failure = await copyInThread(file, temporary);
        if (failure) throw errorOfCopy(failure, folder, path);
      }),
    async close() {
      // The last connection moves the log into the file, and a reader cannot.
      reader.close();
      await writer.close();
      await numbers.settle().catch(() => undefined);
      unlock();
    },
  };
}

/** A large store takes seconds to copy. @returns the failure of SQLite; null if there was none */
function copyInThread(file: string, to: string): Promise<SqliteFailure | null> {
  const code = import.meta.url.endsWith('.ts')
    ? new URL('copy-thread.ts', import.meta.url)
    : new URL('store-copy-thread.js', import.meta.url);
  const worker = new Worker(code, { workerData: { file, to } });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => {
      reject(new Error('The thread that copies the store ended without an answer.'));
    });
  });
}
