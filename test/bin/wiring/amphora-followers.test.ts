import { expect } from 'chai';

import type { OwnerHaproxies } from '../../../src/amphora/haproxies/haproxies.ts';
import { withFollowers } from '../../../src/bin/wiring/amphora/heartbeats.ts';

describe('a change of a haproxy process', () => {
  const owner = { kind: 'loadbalancer', id: 'lb' } as const;
  let calls: string[] = [];
  let failure: Error | undefined;

  const note = (call: string) => {
    calls.push(call);
    return Promise.resolve();
  };
  const made = () =>
    withFollowers(
      {
        act: async () => {
          await note('act');
          if (failure) throw failure;
          return 'reload';
        },
        remove: () => note('remove'),
      } as unknown as OwnerHaproxies,
      { collect: () => note('collect'), changed: () => void note('changed') },
      () => note('announce'),
    );

  beforeEach(() => {
    [calls, failure] = [[], undefined];
  });

  it('makes heartbeats old before its caller learns of it', async () => {
    await made().act(owner, 'reload');
    expect(calls.slice(0, 3)).to.deep.equal(['collect', 'act', 'changed']);
    calls = [];
    await made().remove(owner);
    expect(calls).to.deep.equal(['collect', 'remove', 'changed']);
  });

  it('makes heartbeats old if it fails, because a part of it may be done', async () => {
    failure = new Error('It does not start.');
    const error: unknown = await made()
      .act(owner, 'start')
      .catch((each: unknown) => each);
    expect(error).to.equal(failure);
    expect(calls).to.deep.equal(['act', 'changed']);
  });
});
