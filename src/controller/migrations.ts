import type { Migration } from './store/store.ts';

/** The tables that all families of the controller share. */
export const controllerMigrations: readonly Migration[] = [
  {
    name: 'controller-1',
    sql: [
      // One row. It is in the store, so that a backup has all that a controller needs.
      'CREATE TABLE authority (certificate TEXT NOT NULL, key_pem TEXT NOT NULL)',
      'CREATE TABLE own_certificates (kind TEXT NOT NULL PRIMARY KEY, certificate TEXT NOT NULL, key_pem TEXT NOT NULL)',
      `CREATE TABLE join_tokens (
        hash TEXT NOT NULL PRIMARY KEY,
        expires_at BIGINT NOT NULL,
        used_by TEXT
      )`,
      `CREATE TABLE nodes (
        id INTEGER NOT NULL PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        machine TEXT NOT NULL UNIQUE,
        host TEXT NOT NULL,
        port INTEGER NOT NULL,
        interfaces TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        next_fingerprint TEXT,
        pinned_epoch INTEGER NOT NULL,
        renew_at BIGINT NOT NULL,
        joined_at TEXT NOT NULL
      )`,
    ],
  },
];
