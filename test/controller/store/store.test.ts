import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { expect } from 'chai';

import { type LocalStore, makeStore, openStore } from '../../../src/controller/store/open.ts';
import { storePaths } from '../../../src/controller/store/paths.ts';
import {
  addParent,
  freshStore,
  parentsIn,
  testMigrations,
} from '../../support/controller/store.ts';
import { faultOf } from '../../support/faults.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('the store of the controller', () => {
  const folder = temporaryFolder();
  let store: LocalStore;
  beforeEach(async () => {
    store = await freshStore(folder.path);
  });
  afterEach(() => store.close());

  async function reopened(migrations = testMigrations): Promise<LocalStore> {
    await store.close();
    store = await openStore({ folder: folder.path, migrations });
    return store;
  }

  it('has what was written after it was closed and opened', async () => {
    await addParent(store, 'one');
    await reopened();
    expect(await parentsIn(store)).to.deep.equal(['one']);
    expect(await store.one('SELECT id FROM parents WHERE name = $1', ['one'])).to.deep.include({
      id: 1,
    });
    expect(await store.one('SELECT id FROM parents WHERE name = $1', ['two'])).to.equal(undefined);
  });

  it('binds values by their number, in any order and more than once', async () => {
    await addParent(store, 'one');
    const row = await store.one('SELECT $2 AS second, $1 AS first, $2 AS again FROM parents', [
      'a',
      null,
    ]);
    expect({ ...row }).to.deep.equal({ second: null, first: 'a', again: null });
  });

  it('takes back all of a transaction whose work fails, and goes on', async () => {
    const failing = store.write(async (transaction) => {
      await transaction.run("INSERT INTO parents (id, name) VALUES (7, 'seven')");
      throw new Error('no');
    });
    expect(await failing.catch((error: unknown) => (error as Error).message)).to.equal('no');
    await addParent(store, 'after');
    expect(await parentsIn(store)).to.deep.equal(['after']);
  });

  it('makes transactions one after another in the order of the calls', async () => {
    const seen: number[] = [];
    await Promise.all(
      [1, 2, 3].map((id) =>
        store.write(async (transaction) => {
          const before = await transaction.all('SELECT id FROM parents');
          seen.push(before.length);
          await transaction.run('INSERT INTO parents (id, name) VALUES ($1, $2)', [id, `${id}`]);
        }),
      ),
    );
    expect(seen).to.deep.equal([0, 1, 2]);
    expect(await parentsIn(store)).to.deep.equal(['1', '2', '3']);
  });

  it('answers reads from the last commit while a transaction is open', async () => {
    await addParent(store, 'before');
    let seen: string[] = [];
    await store.write(async (transaction) => {
      await transaction.run("INSERT INTO parents (id, name) VALUES (9, 'nine')");
      seen = await parentsIn(store);
      expect(await transaction.one('SELECT name FROM parents WHERE id = 9')).to.not.equal(
        undefined,
      );
    });
    expect(seen).to.deep.equal(['before']);
    expect(await parentsIn(store)).to.deep.equal(['before', 'nine']);
  });

  it('refuses a row without the row that it refers to', async () => {
    const wrong = store.write((transaction) =>
      transaction.run('INSERT INTO children (id, parent) VALUES (1, 99)'),
    );
    expect(await wrong.catch((error: unknown) => (error as Error).message)).to.match(/FOREIGN KEY/);
    expect(await store.all('SELECT * FROM children')).to.deep.equal([]);
  });

  it('does nothing more once SQLite has ended a transaction by itself', async () => {
    const ended = store.write(async (transaction) => {
      await transaction.run("INSERT INTO parents (id, name) VALUES (1, 'one')");
      // A full disk does the same.
      await transaction.run('ROLLBACK');
      await transaction.run("INSERT INTO parents (id, name) VALUES (2, 'two')");
    });
    expect(await ended.catch((error: unknown) => (error as Error).message)).to.match(/has ended/);
    await addParent(store, 'after');
    expect(await parentsIn(store)).to.deep.equal(['after']);
  });

  it('refuses statements of a transaction that is over', async () => {
    const late: { run?: () => Promise<unknown> } = {};
    await store.write((transaction) => {
      late.run = () => transaction.run("INSERT INTO parents (id, name) VALUES (5, 'late')");
      return Promise.resolve();
    });
    const refusal = await Promise.resolve()
      .then(() => late.run?.())
      .catch((error: unknown) => (error as Error).message);
    expect(refusal).to.equal('The transaction is over.');
    expect(await parentsIn(store)).to.deep.equal([]);
  });

  it('refuses the change after a thousand that wait', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const first = store.write(() => held);
    const others = Array.from({ length: 999 }, () => store.write(() => Promise.resolve()));
    await faultOf(
      'too_many_changes',
      store.write(() => Promise.resolve()),
    );
    release();
    await Promise.all([first, ...others]);
  });

  it('is refused to a second opener while the first one has it', async () => {
    await faultOf('store_in_use', openStore({ folder: folder.path, migrations: testMigrations }));
    await reopened();
  });

  it('is made only where there is none, and opened only where there is one', async () => {
    await store.close();
    await faultOf('store_exists', makeStore({ folder: folder.path, migrations: testMigrations }));
    const empty = join(folder.path, 'empty');
    await faultOf('store_missing', openStore({ folder: empty, migrations: testMigrations }));
    store = await openStore({ folder: folder.path, migrations: testMigrations });
  });

  it('is readable by root alone', async () => {
    await addParent(store, 'one');
    const names = await readdir(folder.path);
    for (const name of names.filter((each) => each.startsWith('store.db'))) {
      expect((await stat(join(folder.path, name))).mode & 0o077, name).to.equal(0);
    }
  });

  it('has an identity that stays, and epoch 1', async () => {
    const { identity } = store;
    expect(identity.id).to.match(/^[0-9a-f-]{36}$/);
    expect(identity.epoch).to.equal(1);
    expect((await reopened()).identity).to.deep.equal(identity);
  });

  it('applies further steps once, in their order, each after a copy of the store', async () => {
    await addParent(store, 'one');
    const more = [
      ...testMigrations,
      { name: 'test-2', sql: ['ALTER TABLE parents ADD COLUMN size INTEGER NOT NULL DEFAULT 3'] },
      { name: 'test-3', sql: ['UPDATE parents SET size = size + 1'] },
    ];
    await reopened(more);
    await reopened(more);
    expect(await store.one('SELECT size FROM parents')).to.deep.include({ size: 4 });
    const copies = (await readdir(storePaths(folder.path).copies)).sort();
    expect(copies.map((name) => name.replace(/^.*Z-/, ''))).to.deep.equal([
      'before-test-2.db',
      'before-test-3.db',
    ]);
    const [first = ''] = copies;
    const copy = new DatabaseSync(join(storePaths(folder.path).copies, first), { readOnly: true });
    expect(copy.prepare('SELECT * FROM parents').all()).to.have.length(1);
    copy.close();
  });

  it('stays as it was if a step fails', async () => {
    await addParent(store, 'one');
    await store.close();
    const broken = [
      ...testMigrations,
      { name: 'test-2', sql: ["UPDATE parents SET name = 'changed'", 'ALTER TABLE nothing'] },
    ];
    const refusal = await openStore({ folder: folder.path, migrations: broken }).then(
      () => 'opened',
      () => 'refused',
    );
    expect(refusal).to.equal('refused');
    store = await openStore({ folder: folder.path, migrations: testMigrations });
    expect(await parentsIn(store)).to.deep.equal(['one']);
  });

  it('is refused to a version that lacks one of its steps', async () => {
    await store.close();
    const fault = await faultOf('store_newer', openStore({ folder: folder.path, migrations: [] }));
    expect(fault.message).to.include('test-1');
    store = await openStore({ folder: folder.path, migrations: testMigrations });
  });

  it('is reported as damaged if its file holds something else', async () => {
    await store.close();
    await writeFile(storePaths(folder.path).file, 'x'.repeat(8192));
    await faultOf('store_damaged', openStore({ folder: folder.path, migrations: testMigrations }));
    // So that there is something to close.
    store = await freshStore(join(folder.path, 'other'));
  });
});
