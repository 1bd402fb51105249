import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';

import { expect } from 'chai';

import { makeStore, openStore } from '../../../src/controller/store/open.ts';
import { restoreStore } from '../../../src/controller/store/restore.ts';
import {
  addParent,
  freshStore,
  parentsIn,
  testMigrations,
} from '../../support/controller/store.ts';
import { Fault } from '../../../src/kit/fault.ts';
import { faultOf } from '../../support/faults.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const writing = new URL('../../support/controller/writing-process.ts', import.meta.url).pathname;

describe('the store after a kill', () => {
  const folder = temporaryFolder();

  it('has each acknowledged change whole, and gives out no number twice', async () => {
    await makeStore({ folder: folder.path, migrations: testMigrations });
    const acknowledged: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const child = spawn(
        process.execPath,
        ['--import', 'tsx', writing, folder.path, `round${round}`],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      let text = '';
      child.stdout.setEncoding('utf8');
      child.stdout.on('data', (piece: string) => {
        text += piece;
        if (text.split('\n').length > 40 + round * 17) child.kill('SIGKILL');
      });
      await once(child, 'close');
      acknowledged.push(...text.split('\n').slice(0, -1).map(Number));
    }
    const store = await openStore({ folder: folder.path, migrations: testMigrations });
    try {
      const ids = (await store.all('SELECT id FROM parents')).map(({ id }) => Number(id));
      expect(new Set(acknowledged).size).to.equal(acknowledged.length);
      expect(acknowledged.filter((id) => !ids.includes(id))).to.deep.equal([]);
      const halves = await store.all(
        'SELECT parents.id FROM parents LEFT JOIN children ON children.parent = parents.id WHERE children.id IS NULL AND CAST(substr(name, 10) AS INTEGER) % 5 <> 0',
      );
      expect(halves).to.deep.equal([]);
      expect(await addParent(store, 'after')).to.be.greaterThan(Math.max(...ids));
    } finally {
      await store.close();
    }
  });
});

describe('the store on a full disk', () => {
  // Before the hook that removes the folder.
  afterEach(() => {
    execFileSync('umount', ['--lazy', disk()]);
  });
  const folder = temporaryFolder();
  const disk = () => join(folder.path, 'disk');
  const filler = () => join(disk(), 'filler');
  beforeEach(async () => {
    await mkdir(disk());
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk()]);
  });

  /** Leaves no free page. */
  function fill(): void {
    for (let size = 1024 * 1024; size >= 4096; size /= 2) {
      try {
        for (;;) writeFileSync(filler(), Buffer.alloc(size), { flag: 'a' });
      } catch {
        // A write that finds no room for all of it writes what fits.
      }
    }
  }

  it('refuses changes with no_space, has nothing of them, and goes on when there is room', async () => {
    const store = await freshStore(join(disk(), 'state'));
    try {
      await addParent(store, 'before');
      fill();
      const outcomes: string[] = [];
      const large = 'x'.repeat(3000);
      for (let count = 0; count < 40; count += 1) {
        const name = `${count}-${large}`;
        outcomes.push(
          await store
            .write(async (transaction) => {
              for (const half of ['a', 'b']) {
                const id = await transaction.nextNumber('parent');
                const values = [id, `${name}-${half}`];
                await transaction.run('INSERT INTO parents (id, name) VALUES ($1, $2)', values);
              }
              return name;
            })
            .catch((error: unknown) => (error instanceof Fault ? error.code : String(error))),
        );
      }
      expect(new Set(outcomes.filter((each) => !each.includes(large)))).to.deep.equal(
        new Set(['no_space']),
      );
      const whole = outcomes
        .filter((each) => each.includes(large))
        .flatMap((name) => [`${name}-a`, `${name}-b`]);
      expect((await parentsIn(store)).sort()).to.deep.equal(['before', ...whole].sort());
      await faultOf('no_space', store.backup(join(disk(), 'backup.db')));
      rmSync(filler());
      await addParent(store, 'after');
      expect(await parentsIn(store)).to.include('after');
    } finally {
      await store.close();
    }
    const again = await openStore({ folder: join(disk(), 'state'), migrations: testMigrations });
    expect(await parentsIn(again)).to.include('after');
    await again.close();
  });

  it('blames the copy and not the store if only the disk of the copy is full', async () => {
    const store = await freshStore(join(folder.path, 'state'));
    try {
      await addParent(store, 'x'.repeat(5000));
      fill();
      const copy = join(disk(), 'backup.db');
      const { message } = await faultOf('no_space', store.backup(copy));
      expect(message).to.include(`The copy ${copy} of the store`);
    } finally {
      await store.close();
    }
  });

  it('opens a store that is there, or says no_space', async () => {
    const state = join(disk(), 'state');
    const store = await freshStore(state);
    await addParent(store, 'before');
    await store.close();
    fill();
    const outcome = await openStore({ folder: state, migrations: testMigrations }).then(
      async (opened) => {
        const names = await parentsIn(opened);
        await opened.close();
        return names;
      },
      (error: unknown) => (error as Fault).code,
    );
    expect([['before'], 'no_space']).to.deep.include(outcome);
  });

  it('keeps the former store if a restore finds no room', async () => {
    const state = join(disk(), 'state');
    const store = await freshStore(state);
    await addParent(store, 'before');
    const backup = join(folder.path, 'backup.db');
    await store.backup(backup);
    await addParent(store, 'later');
    await store.close();
    const before = readFileSync(join(state, 'store.db'));
    fill();
    await faultOf(
      'no_space',
      restoreStore({ folder: state, from: backup, migrations: testMigrations }),
    );
    expect(readFileSync(join(state, 'store.db')).equals(before)).to.equal(true);
  });

  it('is not made if there is no room, and leaves nothing behind', async () => {
    fill();
    const state = join(disk(), 'state');
    await faultOf('no_space', makeStore({ folder: state, migrations: testMigrations }));
    rmSync(filler());
    await faultOf('store_missing', openStore({ folder: state, migrations: testMigrations }));
  });
});
