import type { Migration } from '../../../src/controller/store/store.ts';
import { type LocalStore, makeStore, openStore } from '../../../src/controller/store/open.ts';

/** A family of tests, with two tables. */
export const testMigrations: readonly Migration[] = [
  {
    name: 'test-1',
    sql: [
      'CREATE TABLE parents (id INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL UNIQUE)',
      'CREATE TABLE children (id INTEGER NOT NULL PRIMARY KEY, parent INTEGER NOT NULL REFERENCES parents (id))',
    ],
  },
];

/** Makes a store in the folder and opens it. The caller closes it. */
export async function freshStore(
  folder: string,
  migrations: readonly Migration[] = testMigrations,
): Promise<LocalStore> {
  await makeStore({ folder, migrations });
  return openStore({ folder, migrations });
}

/** Adds a parent with a number of the store. @returns its id */
export function addParent(store: LocalStore, name: string): Promise<number> {
  return store.write(async (transaction) => {
    const id = await transaction.nextNumber('parent');
    await transaction.run('INSERT INTO parents (id, name) VALUES ($1, $2)', [id, name]);
    return id;
  });
}

/** The names of all parents in the order of their ids. */
export async function parentsIn(store: LocalStore): Promise<string[]> {
  return (await store.all('SELECT name FROM parents ORDER BY id')).map(({ name }) => String(name));
}
