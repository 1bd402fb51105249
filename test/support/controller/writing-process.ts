import { addParent } from './store.ts';
import { openStore } from '../../../src/controller/store/open.ts';
import { testMigrations } from './store.ts';

// Writes to the store in a folder for ever, several changes at once, and prints the id of each that was acknowledged.
// Each change writes two rows, a parent and its child.

const [, , folder = '', prefix = ''] = process.argv;
const store = await openStore({ folder, migrations: testMigrations });

async function writeForEver(lane: number): Promise<never> {
  for (let count = 0; ; count += 1) {
    const id =
      count % 5 === 0
        ? await addParent(store, `${prefix}-${lane}-${count}`)
        : await store.write(async (transaction) => {
            const next = await transaction.nextNumber('parent');
            const name = `${prefix}-${lane}-${count}`;
            await transaction.run('INSERT INTO parents (id, name) VALUES ($1, $2)', [next, name]);
            await transaction.run('INSERT INTO children (id, parent) VALUES ($1, $2)', [
              next,
              next,
            ]);
            return next;
          });
    process.stdout.write(`${id}\n`);
  }
}
await Promise.all([1, 2, 3, 4].map(writeForEver));
