import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

import type {
  Migration,
  Reading,
  Row,
  Store,
  StoreIdentity,
  Transaction,
  Value,
} from '../../../src/controller/store/store.ts';
import { makeSerializer } from '../../../src/kit/concurrency/serialize.ts';

/** A store in memory, whose transactions are real and which no crash survives. */
export function storeDouble(
  migrations: readonly Migration[],
  identity: StoreIdentity = { id: '6d0c1a3e-8f3b-4f0e-9d55-0c54b1a7c001', epoch: 1 },
): Store & { fail: (error: Error | undefined) => void } {
  const database = new DatabaseSync(':memory:');
  database.exec('PRAGMA foreign_keys = ON');
  database.exec('CREATE TABLE numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL)');
  for (const each of migrations.flatMap(({ sql }) => sql)) database.exec(each);
  const serialize = makeSerializer();
  let failure: Error | undefined;

  const bound = (values: readonly Value[]): Record<string, SQLInputValue> =>
    Object.fromEntries(values.map((value, index) => [`$${index + 1}`, value]));
  const reading: Reading = {
    all: (sql, values = []) =>
      Promise.resolve(database.prepare(sql).all(bound(values)) as unknown as Row[]),
    one: (sql, values = []) =>
      Promise.resolve(database.prepare(sql).get(bound(values)) as unknown as Row | undefined),
  };
  const transaction: Transaction = {
    ...reading,
    run: (sql, values = []) =>
      Promise.resolve(Number(database.prepare(sql).run(bound(values)).changes)),
    nextNumber(name) {
      const { value } = database
        .prepare(
          `INSERT INTO numbers (name, value) VALUES ($1, 1)
           ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value`,
        )
        .get(bound([name])) as { value: number };
      return Promise.resolve(value);
    },
  };
  return {
    identity,
    all: (sql, values) => serialize(() => reading.all(sql, values)),
    one: (sql, values) => serialize(() => reading.one(sql, values)),
    write: (work) =>
      serialize(async () => {
        if (failure) throw failure;
        database.exec('BEGIN IMMEDIATE');
        try {
          const result = await work(transaction);
          database.exec('COMMIT');
          return result;
        } catch (error) {
          database.exec('ROLLBACK');
          throw error;
        }
      }),
    close() {
      database.close();
      return Promise.resolve();
    },
    /** Makes every later transaction fail, as a full disk does. */
    fail(error) {
      failure = error;
    },
  };
}
