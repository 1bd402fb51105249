import { setImmediate as turn } from 'node:timers/promises';

import { expect } from 'chai';

import { makeSlots, SlotsFull } from '../../../src/kit/concurrency/slots.ts';

/** Work that ends when the test says so. */
function heldWork() {
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const work = (number: number) => () => {
    begun.push(number);
    return new Promise<number>((resolve) => {
      ends.push(() => {
        resolve(number);
      });
    });
  };
  return { begun, ends, work };
}

describe('slots', () => {
  it('run at most so many works at once, and the others in their order', async () => {
    const slots = makeSlots(2, 10);
    const { begun, ends, work } = heldWork();
    const all = Promise.all([1, 2, 3, 4].map((number) => slots.run(work(number))));
    await turn();
    expect(begun).to.deep.equal([1, 2]);
    ends[1]?.();
    await turn();
    expect(begun).to.deep.equal([1, 2, 3]);
    ends[0]?.();
    await turn();
    ends[2]?.();
    ends[3]?.();
    expect(await all).to.deep.equal([1, 2, 3, 4]);
  });

  it('are free again after work that failed', async () => {
    const slots = makeSlots(1, 10);
    const failed = slots.run(() => Promise.reject(new Error('no')));
    const next = slots.run(() => Promise.resolve('yes'));
    expect(await failed.catch((error: unknown) => error)).to.have.property('message', 'no');
    expect(await next).to.equal('yes');
    expect(await slots.run(() => Promise.resolve('again'))).to.equal('again');
  });

  it('are given up by what no longer wants to wait', async () => {
    const slots = makeSlots(1, 10);
    const { begun, ends, work } = heldWork();
    const first = slots.run(work(1));
    const giving = new AbortController();
    const second = slots.run(work(2), giving.signal).catch((error: unknown) => error);
    const third = slots.run(work(3));
    await turn();
    giving.abort(new Error('enough'));
    expect(await second).to.have.property('message', 'enough');
    ends[0]?.();
    await first;
    await turn();
    ends[1]?.();
    await third;
    expect(begun).to.deep.equal([1, 3]);
  });

  it('refuse to let more wait than they may', async () => {
    const slots = makeSlots(1, 1);
    const { ends, work } = heldWork();
    const first = slots.run(work(1));
    const second = slots.run(work(2));
    const third = await slots.run(work(3)).catch((error: unknown) => error);
    expect(third).to.be.instanceOf(SlotsFull);
    ends[0]?.();
    await first;
    await turn();
    ends[1]?.();
    expect(await second).to.equal(2);
  });
});
