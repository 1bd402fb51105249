import { expect } from 'chai';

import { makeConnectionPool } from '../../src/server/connection-pool.ts';

describe('a pool of connections', () => {
  it('takes out the oldest of a group that is full', () => {
    const pool = makeConnectionPool<string>({ max: 10, maxPerGroup: 2 });
    expect(pool.add('a1', 'a')).to.equal(undefined);
    expect(pool.add('b1', 'b')).to.equal(undefined);
    expect(pool.add('a2', 'a')).to.equal(undefined);
    expect(pool.add('a3', 'a')).to.equal('a1');
  });

  it('takes out the oldest of the largest group when the pool is full', () => {
    const pool = makeConnectionPool<string>({ max: 4, maxPerGroup: 3 });
    for (const each of ['a1', 'b1', 'b2', 'b3']) pool.add(each, each.slice(0, 1));
    expect(pool.add('c1', 'c')).to.equal('b1');
    expect(pool.add('c2', 'c')).to.equal('b2');
    expect(pool.remove('a1')).to.equal(true);
  });

  it('has room again for each one that is removed, once', () => {
    const pool = makeConnectionPool<string>({ max: 1, maxPerGroup: 1 });
    pool.add('a1', 'a');
    expect(pool.remove('a1')).to.equal(true);
    expect(pool.remove('a1')).to.equal(false);
    expect(pool.add('a2', 'a')).to.equal(undefined);
  });

  it('refuses the new one where none of the others may go', () => {
    const busy = new Set(['a1']);
    const pool = makeConnectionPool<string>({ max: 3, maxPerGroup: 2 }, (each) => !busy.has(each));
    pool.add('a1', 'a');
    pool.add('a2', 'a');
    expect(pool.add('a3', 'a')).to.equal('a2');
    busy.add('a3');
    expect(pool.add('a4', 'a')).to.equal('a4');
    expect(pool.remove('a4')).to.equal(false);
    expect(pool.add('b1', 'b')).to.equal(undefined);
  });
});
