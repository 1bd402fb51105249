import { expect } from 'chai';

import { makeConnectionPool } from '../../../src/server/connections/connection-pool.ts';

describe('a pool of connections', () => {
  const any = () => true;

  it('takes out the oldest connection of the largest group', () => {
    const pool = makeConnectionPool<string>({ max: 4, maxPerGroup: 4 });
    for (const each of ['a1', 'b1', 'b2', 'b3']) pool.add(each, each.slice(0, 1));
    expect(pool.takeOut(any)).to.equal('b1');
    expect(pool.takeOut(any)).to.equal('b2');
    expect(pool.remove('a1')).to.equal(true);
    expect(pool.takeOut(any)).to.equal('b3');
    expect(pool.takeOut(any)).to.equal(undefined);
  });

  it('counts a refreshed connection as the newest of its group', () => {
    const pool = makeConnectionPool<string>({ max: 4, maxPerGroup: 4 });
    for (const each of ['a1', 'a2', 'a3']) pool.add(each, 'a');
    pool.refresh('a1');
    pool.refresh('b1');
    expect([pool.takeOut(any), pool.takeOut(any), pool.takeOut(any)]).to.deep.equal([
      'a2',
      'a3',
      'a1',
    ]);
    expect(pool.size()).to.equal(0);
  });

  it('leaves connections that may not be taken out', () => {
    const pool = makeConnectionPool<string>({ max: 4, maxPerGroup: 4 });
    for (const each of ['a1', 'a2']) pool.add(each, 'a');
    expect(pool.takeOut((each) => each !== 'a1')).to.equal('a2');
    expect(pool.takeOut((each) => each !== 'a1')).to.equal(undefined);
    expect(pool.size()).to.equal(1);
  });

  it('is too large if it exceeds the limit of a group, or that of all groups', () => {
    const pool = makeConnectionPool<string>({ max: 3, maxPerGroup: 2 });
    for (const each of ['a1', 'a2', 'b1']) pool.add(each, each.slice(0, 1));
    expect(pool.isTooLarge()).to.equal(false);
    pool.add('c1', 'c');
    expect(pool.isTooLarge()).to.equal(true);
    pool.remove('b1');
    expect(pool.isTooLarge()).to.equal(false);
    pool.add('a3', 'a');
    pool.remove('c1');
    expect(pool.isTooLarge()).to.equal(true);
  });

  it('removes a connection once', () => {
    const pool = makeConnectionPool<string>({ max: 1, maxPerGroup: 1 });
    pool.add('a1', 'a');
    expect(pool.remove('a1')).to.equal(true);
    expect(pool.remove('a1')).to.equal(false);
    expect(pool.size()).to.equal(0);
  });
});
