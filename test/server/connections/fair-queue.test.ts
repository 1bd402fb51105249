import { expect } from 'chai';

import { makeFairQueue } from '../../../src/server/connections/fair-queue.ts';

describe('a fair queue', () => {
  it('lets groups take turns, and takes the newest item of each first', () => {
    const queue = makeFairQueue<string>();
    for (const each of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) queue.add(each, each.slice(0, 1));
    const taken = Array.from({ length: 7 }, () => queue.next());
    expect(taken).to.deep.equal(['a3', 'b1', 'c2', 'a2', 'c1', 'a1', undefined]);
  });

  it('serves a later group before the second item of an earlier one', () => {
    const queue = makeFairQueue<string>();
    for (const each of ['a1', 'a2', 'a3']) queue.add(each, 'a');
    expect(queue.next()).to.equal('a3');
    queue.add('b1', 'b');
    expect([queue.next(), queue.next()]).to.deep.equal(['a2', 'b1']);
  });

  it('forgets an item that was removed', () => {
    const queue = makeFairQueue<string>();
    for (const each of ['a1', 'a2']) queue.add(each, 'a');
    queue.remove('a2');
    queue.remove('none');
    expect([queue.next(), queue.next()]).to.deep.equal(['a1', undefined]);
  });
});
