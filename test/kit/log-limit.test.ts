import { expect } from 'chai';

import { makeLogLimit } from '../../src/kit/log-limit.ts';

describe('a limit of the log', () => {
  it('allows one line of a kind within its period', () => {
    let time = 0;
    const isDue = makeLogLimit({ repeatAfterMs: 10, now: () => time });
    expect([isDue('a'), isDue('b'), isDue('a')]).to.deep.equal([true, true, false]);
    time = 9;
    expect(isDue('a')).to.equal(false);
    time = 10;
    expect([isDue('a'), isDue('a')]).to.deep.equal([true, false]);
  });

  it('forgets all kinds when there are too many', () => {
    const isDue = makeLogLimit({ repeatAfterMs: 10, maxKinds: 2, now: () => 0 });
    expect(['a', 'b', 'a', 'c', 'a'].map(isDue)).to.deep.equal([true, true, false, true, true]);
  });
});
