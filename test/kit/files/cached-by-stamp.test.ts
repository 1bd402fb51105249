import { expect } from 'chai';

import { cacheByStamp, cacheEachByStamp } from '../../../src/kit/files/cached-by-stamp.ts';

/** A source whose stamp and values the test sets. It records what was read from it. */
function source() {
  const state = { stamp: 'a', fails: false, read: [] as string[] };
  return {
    state,
    stampOf: () => Promise.resolve(state.stamp),
    readOf: (key: string) => {
      state.read.push(key);
      return state.fails
        ? Promise.reject(new Error('it broke'))
        : Promise.resolve(`${key} at ${state.stamp}`);
    },
  };
}

describe('a value that is cached by a stamp', () => {
  it('is read once while the source stays the same', async () => {
    const { state, stampOf, readOf } = source();
    const get = cacheByStamp(stampOf, () => readOf('x'));
    expect([await get(), await get()]).to.deep.equal(['x at a', 'x at a']);
    expect(state.read).to.deep.equal(['x']);
  });

  it('is read again once the source has changed', async () => {
    const { state, stampOf, readOf } = source();
    const get = cacheByStamp(stampOf, () => readOf('x'));
    await get();
    state.stamp = 'b';
    expect(await get()).to.equal('x at b');
  });

  it('is read once for all callers that ask at the same time', async () => {
    const { state, stampOf, readOf } = source();
    const get = cacheByStamp(stampOf, () => readOf('x'));
    await Promise.all(Array.from({ length: 100 }, get));
    expect(state.read).to.deep.equal(['x']);
  });

  it('keeps the stamp from before it was read, so a change during the reading is noticed', async () => {
    const { state, stampOf, readOf } = source();
    const get = cacheByStamp(stampOf, () => {
      state.stamp = 'b';
      return readOf('x');
    });
    await get();
    await get();
    expect(state.read).to.deep.equal(['x', 'x']);
  });

  it('is not cached if it is a failure, which all waiting callers share', async () => {
    const { state, stampOf, readOf } = source();
    const get = cacheByStamp(stampOf, () => readOf('x'));
    state.fails = true;
    const outcomes = await Promise.allSettled([get(), get()]);
    expect(outcomes.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected']);
    state.fails = false;
    expect(await get()).to.equal('x at a');
    expect(state.read).to.deep.equal(['x', 'x']);
  });

  it('is cached under its own key', async () => {
    const { state, stampOf, readOf } = source();
    const get = cacheEachByStamp(stampOf, readOf, 2);
    expect(await Promise.all(['x', 'y', 'x', 'y'].map(get))).to.deep.equal([
      'x at a',
      'y at a',
      'x at a',
      'y at a',
    ]);
    expect(state.read).to.deep.equal(['x', 'y']);
  });

  it('is dropped for another one if it is the least recently used', async () => {
    const { state, stampOf, readOf } = source();
    const get = cacheEachByStamp(stampOf, readOf, 2);
    for (const key of ['x', 'y', 'x', 'z', 'x', 'y']) await get(key);
    expect(state.read).to.deep.equal(['x', 'y', 'z', 'y']);
  });
});
