import { expect } from 'chai';

import { makeLock } from '../../src/changes/lock.ts';
import { faultOf } from '../support/faults.ts';

describe('the lock for changes', () => {
  /** Work that the test ends by hand, and the list of begun work. */
  function bench(capacity?: number) {
    const lock = makeLock(capacity);
    const begun: number[] = [];
    const ends: ((error?: Error) => void)[] = [];
    const ask = (name: number) =>
      lock.run(async () => {
        begun.push(name);
        await new Promise<void>((resolve, reject) => {
          ends.push((error) => {
            if (error) reject(error);
            else resolve();
          });
        });
        return name;
      });
    return { ask, begun, ends };
  }
  const aMoment = () => new Promise((resolve) => setImmediate(resolve));

  it('runs changes one at a time, in the order of the calls', async () => {
    const { ask, begun, ends } = bench();
    const all = Promise.all([1, 2, 3].map(ask));
    for (const name of [1, 2, 3]) {
      await aMoment();
      expect(begun.at(-1)).to.equal(name);
      expect(begun).to.have.lengthOf(name);
      ends.at(-1)?.();
    }
    expect(await all).to.deep.equal([1, 2, 3]);
  });

  it('continues after a failed change, and reports the failure only to its caller', async () => {
    const { ask, ends } = bench();
    const failing = ask(1).catch((error: unknown) => (error as Error).message);
    const next = ask(2);
    await aMoment();
    ends[0]?.(new Error('it broke'));
    expect(await failing).to.equal('it broke');
    await aMoment();
    ends[1]?.();
    expect(await next).to.equal(2);
  });

  it('lets changes wait up to its capacity, and refuses further ones without running them', async () => {
    const { ask, begun, ends } = bench(2);
    const inside = [1, 2, 3].map(ask);
    const { message, retryAfterSeconds } = await faultOf('too_many_changes', ask(4));
    expect(message).to.include('2 changes are already waiting');
    expect(retryAfterSeconds).to.be.greaterThan(0);
    for (let ended = 0; ended < inside.length; ended += 1) {
      await aMoment();
      ends.at(-1)?.();
    }
    await Promise.all(inside);
    expect(begun).to.deep.equal([1, 2, 3]);
  });

  it('has room again once a change has ended or failed', async () => {
    const { ask, begun, ends } = bench(0);
    const first = ask(1).catch(() => 'failed');
    await faultOf('too_many_changes', ask(2));
    await aMoment();
    ends[0]?.(new Error('it broke'));
    await first;
    const third = ask(3);
    await aMoment();
    ends[1]?.();
    expect(await third).to.equal(3);
    expect(begun).to.deep.equal([1, 3]);
  });

  it('has room for 256 waiting changes by default', async () => {
    const { ask } = bench();
    const all = Array.from({ length: 258 }, (_, index) => ask(index));
    for (const each of all.slice(0, -1)) void each;
    await faultOf('too_many_changes', all.at(-1) as Promise<unknown>);
    const second = await Promise.race([all[256], aMoment().then(() => 'waits')]);
    expect(second).to.equal('waits');
  });

  it('refuses waiting changes at once when it is stopped, and lets the running change end', async () => {
    const lock = makeLock();
    const begun: string[] = [];
    let end: () => void = () => undefined;
    const first = lock.run(async () => {
      begun.push('first');
      await new Promise<void>((resolve) => (end = resolve));
      return 'done';
    });
    const second = faultOf(
      'stopping',
      lock.run(() => Promise.resolve(begun.push('second'))),
    );
    await aMoment();
    let isStopped = false;
    const stopped = lock.stop().then(() => (isStopped = true));
    expect((await second).retryAfterSeconds).to.be.greaterThan(0);
    await faultOf(
      'stopping',
      lock.run(() => Promise.resolve(begun.push('third'))),
    );
    await faultOf(
      'stopping',
      lock.runBeside(() => Promise.resolve(begun.push('beside'))),
    );
    expect(isStopped).to.equal(false);
    end();
    expect(await first).to.equal('done');
    await stopped;
    expect(begun).to.deep.equal(['first']);
  });
});
