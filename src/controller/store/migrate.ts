import { Fault } from '../../kit/fault.ts';
import type { Connection } from './connection.ts';
import type { Migration } from './store.ts';

/** The tables of the store itself, which come before those of all families. */
export const storeMigrations: readonly Migration[] = [
  {
    name: 'store-1',
    sql: [
      'CREATE TABLE store (id TEXT NOT NULL PRIMARY KEY, epoch INTEGER NOT NULL, created_at TEXT NOT NULL)',
      'CREATE TABLE numbers (name TEXT NOT NULL PRIMARY KEY, last INTEGER NOT NULL)',
    ],
  },
];

/** Makes the list of steps that were applied. */
export function prepareMigrations(connection: Connection): void {
  connection.exec(
    'CREATE TABLE IF NOT EXISTS migrations (name TEXT NOT NULL PRIMARY KEY, applied_at TEXT NOT NULL)',
  );
}

/**
 * The steps that were not applied yet, in their order.
 * @param what the file, for the message
 * Faults: `store_newer` if one was applied that this version does not know, `store_damaged` if it is no store
 */
export function pendingIn(
  connection: Connection,
  migrations: readonly Migration[],
  what: string,
): Migration[] {
  const [table] = connection.all(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'migrations'",
  );
  if (table === undefined) {
    throw new Fault(
      'store_damaged',
      `${what} is no store of ha-controller. Name a file that 'hactl controller backup' has made.`,
    );
  }
  const applied = new Set(
    connection.all('SELECT name FROM migrations').map(({ name }) => String(name)),
  );
  const known = new Set(migrations.map(({ name }) => name));
  const unknown = [...applied].filter((name) => !known.has(name));
  if (unknown.length > 0) {
    throw new Fault(
      'store_newer',
      `${what} was written by a newer version of ha-agent: this one does not know ${unknown.slice(0, 5).join(', ')}. Install that version again. Nothing was changed.`,
    );
  }
  return migrations.filter(({ name }) => !applied.has(name));
}

/** Applies one step with its record, or nothing of it. */
export function applyMigration(connection: Connection, { name, sql }: Migration): void {
  connection.exec('BEGIN IMMEDIATE');
  try {
    for (const statement of sql) connection.exec(statement);
    connection.run('INSERT INTO migrations (name, applied_at) VALUES ($1, $2)', [
      name,
      new Date().toISOString(),
    ]);
    connection.exec('COMMIT');
  } catch (error) {
    if (connection.isInTransaction()) connection.exec('ROLLBACK');
    throw error;
  }
}
