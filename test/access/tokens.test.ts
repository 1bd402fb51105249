import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';
import sinon from 'sinon';

import { openTokenStore } from '../../src/access/tokens.ts';
import { faultOf } from '../support/faults.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('the token store', () => {
  const folder = temporaryFolder();
  const open = () => openTokenStore(join(folder.path, 'tokens'));
  afterEach(() => {
    sinon.restore();
  });

  it('knows the holder of a token that it made, even after it is opened again', async () => {
    const token = await open().create('ui', 'operator');
    expect(token).to.match(/^[0-9a-f]{64}$/);
    expect(await open().find(token)).to.include({ name: 'ui', role: 'operator' });
  });

  it('finds no holder of an unknown token', async () => {
    const store = open();
    expect(await store.find('x')).to.equal(undefined);
    const token = await store.create('ui', 'admin');
    for (const wrong of ['', token.slice(1), `${token}0`, token.toUpperCase(), '__proto__']) {
      expect(await store.find(wrong), wrong).to.equal(undefined);
    }
  });

  it('stores a hash that only root can read, and never the token', async () => {
    const token = await open().create('ui', 'admin');
    const path = join(folder.path, 'tokens');
    const file = join(path, 'ui.json');
    expect(await readFile(file, 'utf8')).not.to.include(token);
    expect((await stat(path)).mode & 0o777).to.equal(0o700);
    expect((await stat(file)).mode & 0o777).to.equal(0o600);
  });

  it('sees at once what another process creates or revokes', async () => {
    const agent = open();
    for (let round = 0; round < 20; round += 1) {
      const token = await open().create('ui', 'viewer');
      expect(await agent.find(token), 'created').to.include({ name: 'ui' });
      await open().revoke('ui');
      expect(await agent.find(token), 'revoked').to.equal(undefined);
    }
  });

  it('misses no change within one tick of the file system clock', async () => {
    const tokens = join(folder.path, 'tokens');
    const agent = open();
    await open().create('first', 'viewer');
    const { atime, mtime } = await stat(tokens);
    await utimes(tokens, atime, mtime);
    await agent.find('x');
    const token = await open().create('second', 'viewer');
    await utimes(tokens, atime, mtime);
    expect(await agent.find(token)).to.include({ name: 'second' });
  });

  it('reads the files only when the folder has changed', async () => {
    const clock = sinon.useFakeTimers({ now: Date.now() + 5000, toFake: ['Date'] });
    const token = await open().create('ui', 'viewer');
    clock.tick(5000);
    const agent = open();
    await agent.find(token);
    // Writes the file in place without the store, so that the folder does not change.
    await writeFile(join(folder.path, 'tokens', 'ui.json'), 'damaged');
    expect(await agent.find(token)).to.include({ name: 'ui' });
  });

  it('knows a token until it expires', async () => {
    const store = open();
    const token = await store.create('ui', 'viewer', { lifetimeMs: 60_000 });
    const clock = sinon.useFakeTimers({ now: Date.now() + 59_000, toFake: ['Date'] });
    expect(await store.find(token)).to.include({ name: 'ui' });
    clock.tick(1001);
    expect(await store.find(token)).to.equal(undefined);
    expect((await store.list()).map(({ name }) => name)).to.deep.equal(['ui']);
  });

  it('lists all tokens by name, without a hash', async () => {
    const store = open();
    await store.create('b', 'viewer');
    await store.create('a', 'admin', { lifetimeMs: 1000 });
    const list = await store.list();
    expect(list.map(({ name, role }) => [name, role])).to.deep.equal([
      ['a', 'admin'],
      ['b', 'viewer'],
    ]);
    expect(Object.keys(list[0] ?? {})).to.deep.equal([
      'name',
      'role',
      'createdAt',
      'expiresAt',
      'tenant',
    ]);
  });

  it('binds a token to a tenant, and no other token', async () => {
    const bound = await open().create('bound', 'operator', { tenant: 'blue' });
    const free = await open().create('free', 'operator');
    expect(await open().find(bound)).to.include({ name: 'bound', tenant: 'blue' });
    expect(await open().find(free)).to.include({ name: 'free', tenant: undefined });
  });

  for (const tenant of ['', 'x'.repeat(37), 'a\nb']) {
    it(`creates no token for ${JSON.stringify(tenant)} as a tenant`, async () => {
      const fault = await open()
        .create('ui', 'viewer', { tenant })
        .catch((error: unknown) => error);
      expect(fault).to.include({ code: 'invalid_token_request' });
      expect(await open().list()).to.deep.equal([]);
    });
  }

  it('creates one token for a name, even if many callers ask at the same time', async () => {
    const tries = await Promise.allSettled(
      Array.from({ length: 10 }, () => open().create('ui', 'viewer')),
    );
    expect(tries.filter(({ status }) => status === 'fulfilled')).to.have.lengthOf(1);
    await faultOf('token_exists', open().create('ui', 'viewer'));
  });

  it('cannot revoke a token that does not exist', async () => {
    await faultOf('token_not_found', open().revoke('ui'));
  });

  for (const name of [
    '',
    '.',
    '../x',
    'a/b',
    '-x',
    '.x',
    'a b',
    'é',
    'x'.repeat(65),
    'a\n',
    'a\0',
  ]) {
    it(`refuses the name ${JSON.stringify(name)} and writes nothing`, async () => {
      await faultOf('invalid_token_request', open().create(name, 'viewer'));
      await faultOf('invalid_token_request', open().revoke(name));
      expect(await readdir(folder.path)).to.deep.equal([]);
    });
  }

  it('still knows the other tokens if one file is damaged', async () => {
    const token = await open().create('ui', 'viewer');
    await writeFile(join(folder.path, 'tokens', 'broken.json'), '{"role":');
    expect(await open().find(token)).to.include({ name: 'ui' });
  });
});
