import { expect } from 'chai';

import {
  type JoinTokens,
  makeJoinTokens,
  readJoinToken,
  writeJoinToken,
} from '../../../src/controller/certificates/join-tokens.ts';
import { controllerMigrations } from '../../../src/controller/migrations.ts';
import type { LocalStore } from '../../../src/controller/store/open.ts';
import { freshStore } from '../../support/controller/store.ts';
import { faultOf } from '../../support/faults.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const minuteMs = 60 * 1000;

describe('join tokens', () => {
  const folder = temporaryFolder();
  const clock = { now: 0 };
  let store: LocalStore;
  let tokens: JoinTokens;
  beforeEach(async () => {
    store = await freshStore(folder.path, controllerMigrations);
    clock.now = Date.now();
    tokens = makeJoinTokens(store, () => clock.now);
  });
  afterEach(() => store.close());

  const use = (secret: string, node = 'n1') =>
    store.write((transaction) => tokens.use(secret, node, transaction));

  it('are written with what a node verifies, and read back', () => {
    const token = { kind: 'ca', fingerprint: 'ab'.repeat(32), secret: '0f'.repeat(16) } as const;
    const text = writeJoinToken(token);
    expect(text).to.match(/^[a-z0-9.]+$/);
    expect(readJoinToken(text)).to.deep.equal(token);
    for (const wrong of ['', text.slice(1), `${text}0`, text.replace('ca.', 'root.')]) {
      expect(readJoinToken(wrong), wrong).to.equal(undefined);
    }
  });

  it('are valid once', async () => {
    const { secret } = await tokens.create();
    await tokens.check(secret);
    await use(secret);
    const fault = await faultOf('join_refused', tokens.check(secret));
    expect(fault.message).to.include("used already, by the node 'n1'");
    await faultOf('join_refused', use(secret, 'n2'));
  });

  it('are valid for ten minutes', async () => {
    const { secret, expiresAt } = await tokens.create();
    expect(expiresAt.getTime()).to.equal(clock.now + 10 * minuteMs);
    clock.now += 10 * minuteMs - 1;
    await tokens.check(secret);
    clock.now += 1;
    expect((await faultOf('join_refused', tokens.check(secret))).message).to.include('expired');
  });

  it('are refused if they were never made', async () => {
    const fault = await faultOf('join_refused', tokens.check('00'.repeat(16)));
    expect(fault.message).to.include('has not made');
  });

  it('are stored as hashes', async () => {
    const { secret } = await tokens.create();
    const rows = await store.all('SELECT * FROM join_tokens');
    expect(rows).to.have.length(1);
    expect(JSON.stringify(rows)).to.not.include(secret);
  });

  /** Writes down tokens as if they had been made. */
  const insert = (count: number, expiresAt: number, usedBy: string | null = null) =>
    store.write(async (transaction) => {
      for (let at = 0; at < count; at += 1) {
        await transaction.run(
          'INSERT INTO join_tokens (hash, expires_at, used_by) VALUES ($1, $2, $3)',
          [`${expiresAt} ${usedBy ?? ''} ${at}`, expiresAt, usedBy],
        );
      }
    });
  const count = async () => (await store.all('SELECT hash FROM join_tokens')).length;

  it('are made only while few enough wait for their hosts', async () => {
    await insert(500, clock.now + 1);
    await faultOf('too_many_join_tokens', tokens.create());
    clock.now += 1;
    await tokens.create();
  });

  it('are forgotten after a day, and the oldest earlier if there are too many', async () => {
    await insert(600, clock.now);
    await insert(400, clock.now + 1, 'n1');
    const { secret } = await tokens.create();
    expect(await count()).to.equal(1000);
    await tokens.check(secret);
    clock.now += 24 * 60 * minuteMs + 2;
    await tokens.create();
    expect(await count()).to.equal(2);
  });
});
