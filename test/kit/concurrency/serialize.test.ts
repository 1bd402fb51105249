import { expect } from 'chai';

import { makeSerializer } from '../../../src/kit/concurrency/serialize.ts';

describe('makeSerializer', () => {
  it('starts a run after all earlier ones have ended, even if they failed', async () => {
    const queue = makeSerializer();
    const events: string[] = [];
    const run = (name: string, fails: boolean) => () => {
      events.push(`${name} begins`);
      return Promise.resolve().then(() => {
        events.push(`${name} ends`);
        if (fails) throw new Error(name);
        return name;
      });
    };
    const outcomes = await Promise.allSettled([
      queue(run('a', false)),
      queue(run('b', true)),
      queue(run('c', false)),
    ]);
    expect(events).to.deep.equal([
      'a begins',
      'a ends',
      'b begins',
      'b ends',
      'c begins',
      'c ends',
    ]);
    expect(outcomes.map(({ status }) => status)).to.deep.equal([
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect(outcomes[2]).to.include({ value: 'c' });
  });
});
