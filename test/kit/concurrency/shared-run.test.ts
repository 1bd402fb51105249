import { expect } from 'chai';

import { shareRuns } from '../../../src/kit/concurrency/shared-run.ts';

describe('shareRuns', () => {
  /** A run that the test ends by hand, with a clock that the test sets. */
  function bench(holds?: (startedAt: number) => boolean) {
    const runs: { resolve: (value: number) => void; reject: (error: Error) => void }[] = [];
    const clock = { ms: 0 };
    const shared = shareRuns(
      () => new Promise<number>((resolve, reject) => runs.push({ resolve, reject })),
      { reuseMs: 1000, now: () => clock.ms, ...(holds && { holds }) },
    );
    return { runs, clock, shared };
  }

  it('serves all waiting callers with one run', async () => {
    const { runs, shared } = bench();
    const all = Promise.all([shared.get(), shared.get(), shared.get()]);
    runs[0]?.resolve(7);
    expect(await all).to.deep.equal([7, 7, 7]);
    expect(runs).to.have.lengthOf(1);
  });

  it('reuses a value until it is too old, counted from the end of its run', async () => {
    const { runs, clock, shared } = bench();
    const first = shared.get();
    clock.ms = 600;
    runs[0]?.resolve(1);
    await first;
    clock.ms = 1599;
    expect(await shared.get()).to.equal(1);
    clock.ms = 1600;
    void shared.get();
    expect(runs).to.have.lengthOf(2);
  });

  it('shares a failure for as long as a value, and then runs again', async () => {
    const { runs, clock, shared } = bench();
    const first = shared.get().catch((error: unknown) => (error as Error).message);
    runs[0]?.reject(new Error('no cluster'));
    expect(await first).to.equal('no cluster');
    clock.ms = 999;
    expect(await shared.get().catch((error: unknown) => (error as Error).message)).to.equal(
      'no cluster',
    );
    clock.ms = 1000;
    void shared.get();
    expect(runs).to.have.lengthOf(2);
  });

  it('reuses a value, but not a failure, for as long as it is valid', async () => {
    const held: number[] = [];
    const { runs, clock, shared } = bench((startedAt) => {
      held.push(startedAt);
      return clock.ms < 5000;
    });
    clock.ms = 10;
    const first = shared.get();
    runs[0]?.resolve(1);
    await first;
    clock.ms = 4999;
    expect(await shared.get()).to.equal(1);
    expect(held).to.deep.equal([10]);
    clock.ms = 5000;
    const failing = shared.get().catch(() => 'failed');
    runs[1]?.reject(new Error('no cluster'));
    expect(await failing).to.equal('failed');
    clock.ms = 4000;
    void shared.get();
    expect(runs).to.have.lengthOf(2);
    clock.ms = 6000;
    void shared.get();
    expect(runs).to.have.lengthOf(3);
  });

  it('starts a run at once on a renewal, and shares that run from then on', async () => {
    const { runs, shared } = bench();
    const old = shared.get();
    const renewed = shared.renew();
    const joined = shared.get();
    runs[1]?.resolve(2);
    runs[0]?.resolve(1);
    expect(await Promise.all([old, renewed, joined])).to.deep.equal([1, 2, 2]);
    expect(runs).to.have.lengthOf(2);
  });
});
