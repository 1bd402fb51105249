import { DatabaseSync, type StatementSync } from 'node:sqlite';

import type { Row, Value } from './store.ts';

/** Milliseconds to wait for a lock that another connection holds. */
const busyMs = 5000;
/** Max number of prepared statements that are held. */
const maxStatements = 256;

/** One connection to the file of a store. All calls are synchronous. */
export interface Connection {
  all(sql: string, values?: readonly Value[]): Row[];
  /** @returns the number of rows that were changed */
  run(sql: string, values?: readonly Value[]): number;
  /** Runs statements without values, one after another. */
  exec(sql: string): void;
  isInTransaction(): boolean;
  close(): void;
}

/**
 * Opens the file, which must exist.
 * @throws the errors of node:sqlite, see errors.ts
 */
export function connect(
  path: string,
  { isReadOnly = false, waitMs = busyMs }: { isReadOnly?: boolean; waitMs?: number } = {},
): Connection {
  const database = new DatabaseSync(path, { readOnly: isReadOnly, timeout: waitMs });
  // In the order of their latest use, so the first one is forgotten first.
  const statements = new Map<string, StatementSync>();

  function prepare(sql: string): StatementSync {
    const found = statements.get(sql) ?? database.prepare(sql);
    statements.delete(sql);
    statements.set(sql, found);
    if (statements.size > maxStatements) statements.delete(statements.keys().next().value ?? '');
    return found;
  }

  return {
    all: (sql, values = []) => prepare(sql).all(named(values)) as Row[],
    run: (sql, values = []) => Number(prepare(sql).run(named(values)).changes),
    exec: (sql) => {
      database.exec(sql);
    },
    isInTransaction: () => database.isTransaction,
    close: () => {
      database.close();
    },
  };
}

/**
 * A writing connection with the settings of a store. A commit is on the disk when it returns: in WAL mode, only
 * `synchronous = FULL` syncs at each commit (sqlite.org/pragma.html#pragma_synchronous).
 */
export function connectToWrite(path: string): Connection {
  const connection = connect(path);
  connection.exec(
    [
      'PRAGMA journal_mode = WAL',
      'PRAGMA synchronous = FULL',
      'PRAGMA foreign_keys = ON',
      // The log is cut back after a checkpoint, or one large transaction would hold its room for ever.
      'PRAGMA journal_size_limit = 16777216',
      'PRAGMA trusted_schema = OFF',
    ].join(';'),
  );
  return connection;
}

/** SQLite takes `$1` for a name and not for a position, so the values are bound by name. */
function named(values: readonly Value[]): Record<string, Value> {
  return Object.fromEntries(values.map((value, index) => [`$${index + 1}`, value]));
}
