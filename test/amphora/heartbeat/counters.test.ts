import { expect } from 'chai';

import {
  type CounterState,
  differencesOf,
  noCounters,
  type OwnerCounters,
  withoutOthers,
  withReading,
  withReported,
  withUnsent,
} from '../../../src/amphora/heartbeat/counters.ts';

/** A reading of the owner LB, whose workers counted this many bytes for the listener L. */
function reading(
  bytes: Readonly<Record<string, number | undefined>>,
  state: OwnerCounters['state'] = 'serves',
): OwnerCounters {
  const row = (tx: number) => new Map([['L', { tx, rx: 2 * tx, conns: 1, totconns: tx, ereq: 0 }]]);
  const workers = Object.entries(bytes).map(([worker, tx]) => ({
    worker,
    rows: tx === undefined ? undefined : row(tx),
  }));
  return { owner: 'LB', state, current: workers[0]?.worker, workers, listeners: [] };
}

const after = (...readings: OwnerCounters[]): CounterState =>
  readings.reduce(withReading, noCounters);
const sent = (state: CounterState) => differencesOf(state, 'LB', 'L')[0];

describe('the differences of a heartbeat', () => {
  it('count each worker from 0', () => {
    expect(differencesOf(after(reading({ a: 10 })), 'LB', 'L')).to.deep.equal([10, 20, 10, 0]);
    expect(sent(after(reading({ a: 10 }), reading({ b: 7, a: 10 })))).to.equal(17);
  });

  it('count what a leaving worker adds beside its successor', () => {
    const start = withReported(after(reading({ a: 10 })), [reading({})]);
    const both = withReading(start, reading({ b: 3, a: 15 }));
    expect(sent(both)).to.equal(8);
    expect(sent(withReading(both, reading({ b: 4 })))).to.equal(9);
  });

  it('count from 0 what went back', () => {
    expect(sent(after(reading({ a: 10 }), reading({ a: 4 })))).to.equal(14);
  });

  it('count a worker once that gave no answer in between', () => {
    const unheard = after(reading({ a: 10 }), reading({ b: 1, a: undefined }), reading({ a: 12 }));
    expect(sent(unheard)).to.equal(13);
    const silent = after(reading({ a: 10 }), reading({}, 'silent'), reading({ a: 12 }));
    expect(sent(silent)).to.equal(12);
  });

  it('begin at 0 after a message, and hold what a message that was not sent had', () => {
    const before = after(reading({ a: 10 }));
    const reported = withReported(before, [reading({ a: 10 })]);
    expect(sent(reported)).to.equal(0);
    const later = withReading(reported, reading({ a: 13 }));
    expect(sent(later)).to.equal(3);
    expect(sent(withUnsent(later, before, reported))).to.equal(13);
  });

  it('stay for the next message while the owner is silent', () => {
    const before = after(reading({ a: 10 }));
    expect(sent(withReported(before, [reading({}, 'silent')]))).to.equal(10);
  });

  it('are forgotten with their owner', () => {
    expect(withoutOthers(after(reading({ a: 10 })), new Set())).to.deep.equal(noCounters);
  });
});
