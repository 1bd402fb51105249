import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { expect } from 'chai';

import { type LocalStore, openStore } from '../../../src/controller/store/open.ts';
import { storePaths } from '../../../src/controller/store/paths.ts';
import { restoreStore } from '../../../src/controller/store/restore.ts';
import {
  addParent,
  freshStore,
  parentsIn,
  testMigrations,
} from '../../support/controller/store.ts';
import { faultOf } from '../../support/faults.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('backups and numbers of the store', () => {
  const folder = temporaryFolder();
  let store: LocalStore;
  beforeEach(async () => {
    store = await freshStore(join(folder.path, 'state'));
  });
  afterEach(() => store.close());

  const state = () => join(folder.path, 'state');
  const backup = () => join(folder.path, 'backup.db');
  const open = () => openStore({ folder: state(), migrations: testMigrations });
  const restore = (from = backup()) =>
    restoreStore({ folder: state(), from, migrations: testMigrations });
  const take = () => store.write((transaction) => transaction.nextNumber('parent'));

  it('numbers begin at 1 for each name and go on after a clean end', async () => {
    expect([await take(), await take()]).to.deep.equal([1, 2]);
    expect(await store.write((transaction) => transaction.nextNumber('other'))).to.equal(1);
    await store.close();
    store = await open();
    expect(await take()).to.equal(3);
  });

  it('a number of a transaction that failed is not given out again', async () => {
    let first = 0;
    await store
      .write(async (transaction) => {
        first = await transaction.nextNumber('parent');
        throw new Error('no');
      })
      .catch(() => undefined);
    expect(await take()).to.equal(first + 1);
  });

  it('the file of the numbers is at or above each number before it is given out', async () => {
    const seen: number[] = [];
    for (let count = 0; count < 205; count += 1) {
      const number = await take();
      const text = await readFile(storePaths(state()).numbers, 'utf8');
      const { stores } = JSON.parse(text) as {
        stores: Record<string, { numbers: Record<string, number> }>;
      };
      expect(stores[store.identity.id]?.numbers['parent']).to.be.at.least(number);
      seen.push(number);
    }
    expect(new Set(seen).size).to.equal(205);
  });

  it('a restore brings back the rows of the backup, raises the epoch and repeats no number', async () => {
    await addParent(store, 'one');
    await store.backup(backup());
    const given = [await addParent(store, 'two'), await addParent(store, 'three')];
    await store.close();
    const { identity, former } = await restore();
    expect(identity).to.deep.equal({ id: store.identity.id, epoch: 2 });
    store = await open();
    expect(store.identity).to.deep.equal(identity);
    expect(await parentsIn(store)).to.deep.equal(['one']);
    const next = await take();
    expect(next).to.be.greaterThan(Math.max(...given));

    // The copy from before the restore can be restored in turn.
    await store.close();
    expect((await restore(former)).identity.epoch).to.equal(3);
    store = await open();
    expect(await parentsIn(store)).to.deep.equal(['one', 'two', 'three']);
    expect(await take()).to.be.greaterThan(next);
  });

  it('an older file that somebody copied into place repeats no number either', async () => {
    await addParent(store, 'one');
    await store.close();
    await copyFile(storePaths(state()).file, backup());
    store = await open();
    const given = [await take(), await take(), await take()];
    await store.close();
    await copyFile(backup(), storePaths(state()).file);
    store = await open();
    expect(await take()).to.be.greaterThan(Math.max(...given));
  });

  it('a restore goes above all epochs, also after a file from before a restore was put back', async () => {
    await store.backup(backup());
    await store.close();
    await copyFile(storePaths(state()).file, join(folder.path, 'first.db'));
    expect((await restore()).identity.epoch).to.equal(2);
    await copyFile(join(folder.path, 'first.db'), storePaths(state()).file);
    store = await open();
    expect(store.identity.epoch).to.equal(1);
    await take();
    await store.close();
    expect((await restore()).identity.epoch).to.equal(3);
    store = await open();
  });

  it('a backup can be restored into an empty folder, with an epoch above its own', async () => {
    await addParent(store, 'one');
    await store.backup(backup());
    const elsewhere = join(folder.path, 'elsewhere');
    const { identity } = await restoreStore({
      folder: elsewhere,
      from: backup(),
      migrations: testMigrations,
    });
    expect(identity).to.deep.equal({ id: store.identity.id, epoch: 2 });
    const other = await openStore({ folder: elsewhere, migrations: testMigrations });
    expect(await parentsIn(other)).to.deep.equal(['one']);
    await other.close();
  });

  it('a backup is complete while changes are made', async () => {
    const writes = Array.from({ length: 50 }, (_, index) => addParent(store, `${index}`));
    await store.backup(backup());
    await Promise.all(writes);
    const copy = await restoreStore({
      folder: join(folder.path, 'elsewhere'),
      from: backup(),
      migrations: testMigrations,
    });
    expect(copy.identity.id).to.equal(store.identity.id);
  });

  it('what is no backup is refused, and the store stays', async () => {
    await addParent(store, 'one');
    await store.close();
    const text = join(folder.path, 'text');
    await copyFile(new URL(import.meta.url).pathname, text);
    await faultOf('backup_refused', restore(text));
    await faultOf('backup_refused', restore(join(folder.path, 'nothing')));
    const other = join(folder.path, 'other.db');
    const database = new DatabaseSync(other);
    database.exec('CREATE TABLE anything (id INTEGER)');
    database.close();
    expect((await faultOf('backup_refused', restore(other))).message).to.equal(
      `${other} cannot be restored (it is no store of ha-controller). The store is as it was; name a file that 'hactl controller backup' has made.`,
    );
    store = await open();
    expect(await parentsIn(store)).to.deep.equal(['one']);
    expect(store.identity.epoch).to.equal(1);
  });

  it('a restore is refused while the store is open', async () => {
    await store.backup(backup());
    await faultOf('store_in_use', restore());
  });

  it('a damaged store is moved aside by a restore', async () => {
    await addParent(store, 'one');
    await store.backup(backup());
    await store.close();
    await copyFile(new URL(import.meta.url).pathname, storePaths(state()).file);
    const { former } = await restore();
    expect(former).to.match(/damaged/);
    store = await open();
    expect(await parentsIn(store)).to.deep.equal(['one']);
  });
});
