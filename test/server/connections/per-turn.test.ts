import { setImmediate as turn } from 'node:timers/promises';

import { expect } from 'chai';

import { fewPerTurn, soon } from '../../../src/server/connections/per-turn.ts';

describe('work that is spread over turns of the event loop', () => {
  it('is done once for all calls of a turn, and again for those of a later one', async () => {
    let count = 0;
    const work = soon(() => (count += 1));
    work();
    work();
    expect(count).to.equal(0);
    await turn();
    expect(count).to.equal(1);
    work();
    await turn();
    expect(count).to.equal(2);
  });

  it('is done a few pieces at a time until there is none', async () => {
    const left = [1, 2, 3, 4, 5];
    const work = fewPerTurn(() => left.shift() !== undefined, 2);
    work();
    const seen = [];
    for (let count = 0; count < 3; count += 1) {
      await turn();
      seen.push(left.length);
    }
    expect(seen).to.deep.equal([3, 1, 0]);
    left.push(6);
    work();
    await turn();
    expect(left).to.deep.equal([]);
  });
});
