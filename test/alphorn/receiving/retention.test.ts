import { expect } from 'chai';

import {
  type Generation,
  generationsToKeep,
  type Retention,
} from '../../../src/alphorn/receiving/retention.ts';
import { randomOf } from '../../support/random.ts';

const defaults: Retention = { last: 5, hours: 24, days: 7 };
const secondMs = 1000;
const hourMs = 3600 * secondMs;
const dayMs = 24 * hourMs;
const start = Date.parse('2026-03-04T10:20:30Z');

/** A store that receives one generation after another, with a clock of its own. */
function storeWith(policy: Retention) {
  let stored: Generation[] = [];
  let count = 0;
  return {
    numbers: () => stored.map(({ generation }) => generation).sort((a, b) => a - b),
    hasWhole: () => stored.some(({ isWhole }) => isWhole),
    /** The host confirms that its latest generation is still current. */
    confirm(at: number) {
      stored = stored.map((each) => (each.isLatest ? { ...each, until: new Date(at) } : each));
    },
    prune(at: number) {
      stored = [...generationsToKeep(stored, policy, new Date(at))];
    },
    receive(at: number, { isWhole = true, lineage = 'a' } = {}) {
      count += 1;
      const former = stored.map((each) => ({ ...each, isLatest: false }));
      const latest = {
        lineage,
        generation: count,
        digest: `${count}`,
        isLatest: true,
        isWhole,
        until: new Date(at),
      };
      stored = [...generationsToKeep([...former, latest], policy, new Date(at))];
      return count;
    },
  };
}

describe('the generations that a store keeps', () => {
  it('are the last five, however old they are', () => {
    const store = storeWith(defaults);
    for (let index = 0; index < 9; index += 1) store.receive(start + index * 30 * dayMs);
    expect(store.numbers()).to.deep.equal([5, 6, 7, 8, 9]);
  });

  it('include the one from before a burst of changes for a week', () => {
    const store = storeWith(defaults);
    const before = store.receive(start - 20 * dayMs);
    store.confirm(start);
    for (let index = 1; index <= 50; index += 1) store.receive(start + index * secondMs);
    expect(store.numbers()).to.deep.equal([before, 47, 48, 49, 50, 51]);
    for (let index = 1; index <= 50; index += 1)
      store.receive(start + 23 * hourMs + index * secondMs);
    expect(store.numbers()).to.include(before);
    for (let index = 1; index <= 50; index += 1)
      store.receive(start + 6 * dayMs + index * secondMs);
    expect(store.numbers()).to.include(before);
    for (let index = 1; index <= 50; index += 1)
      store.receive(start + 8 * dayMs + index * secondMs);
    expect(store.numbers()).not.to.include(before);
  });

  it('include one per hour of a day and one per day of a week, for a host that changes each minute', () => {
    const store = storeWith(defaults);
    for (let at = start; at < start + 14 * dayMs; at += 60 * secondMs) {
      store.confirm(at);
      store.receive(at);
    }
    const end = store.numbers().at(-1) ?? 0;
    const ages = store.numbers().map((generation) => end - generation);
    for (let hour = 1; hour <= 23; hour += 1) {
      const ofHour = ages.filter((age) => age > (hour - 1) * 60 && age <= (hour + 1) * 60);
      expect(ofHour, `hour ${hour}`).not.to.deep.equal([]);
    }
    for (let day = 1; day <= 6; day += 1) {
      const ofDay = ages.filter((age) => age > (day - 1) * 1440 && age <= (day + 1) * 1440);
      expect(ofDay, `day ${day}`).not.to.deep.equal([]);
    }
    expect(ages.length).to.be.at.most(5 + 25 + 8);
  });

  it('are only the latest, with a limit of one and none by age', () => {
    const store = storeWith({ last: 1, hours: 0, days: 0 });
    for (let index = 0; index < 3; index += 1) store.receive(start + index);
    expect(store.numbers()).to.deep.equal([3]);
    store.receive(start - dayMs);
    expect(store.numbers()).to.deep.equal([4]);
  });

  it('include the newest whole one until a whole one follows', () => {
    const store = storeWith({ last: 2, hours: 0, days: 0 });
    store.receive(start);
    const whole = store.receive(start + 1);
    for (let index = 0; index < 9; index += 1) {
      store.receive(start + 30 * dayMs * (index + 1), { isWhole: false });
      expect(store.numbers()).to.include(whole);
    }
    store.receive(start + 400 * dayMs);
    expect(store.numbers()).to.deep.equal([11, 12]);
  });

  it('include those of a host from before its rebuild, by the same rules', () => {
    const store = storeWith(defaults);
    const before = store.receive(start);
    for (let index = 1; index <= 20; index += 1) {
      store.receive(start + index * secondMs, { lineage: 'b' });
    }
    expect(store.numbers()).to.include(before);
  });

  it('stay the same after the clock was wrong for a while', () => {
    const store = storeWith(defaults);
    for (let at = start; at < start + 10 * dayMs; at += 600 * secondMs) {
      store.confirm(at);
      store.receive(at);
    }
    const before = store.numbers();
    store.prune(start - 1000 * dayMs);
    expect(store.numbers()).to.deep.equal(before);
    store.receive(start - 1000 * dayMs);
    expect(store.numbers()).to.include.members(before.slice(0, -defaults.last));
  });

  it('do not age while their host is silent', () => {
    const store = storeWith(defaults);
    for (let at = start; at < start + 10 * dayMs; at += 600 * secondMs) {
      store.confirm(at);
      store.receive(at);
    }
    const before = store.numbers();
    store.prune(start + 1000 * dayMs);
    expect(store.numbers()).to.deep.equal(before);
  });

  it('are limited in number, and include the latest and a whole one, whatever the clock does', () => {
    for (let seed = 1; seed <= 100; seed += 1) {
      const random = randomOf(seed);
      const below = (limit: number) => Math.floor(random() * limit);
      const policy = { last: 1 + below(5), hours: below(25), days: below(8) };
      const store = storeWith(policy);
      let at = start;
      let hadWhole = false;
      for (let index = 0; index < 200; index += 1) {
        at += (below(2) === 0 ? -1 : 2) * below(3 * dayMs);
        if (below(3) === 0) store.confirm(at);
        const isWhole = below(4) === 0;
        hadWhole ||= isWhole;
        const generation = store.receive(at, { isWhole, lineage: `${below(3)}` });
        expect(store.numbers(), `seed ${seed}`).to.include(generation);
        expect(store.hasWhole(), `seed ${seed}`).to.equal(hadWhole);
        const maxCount = policy.last + policy.hours + policy.days + 3;
        expect(store.numbers().length, `seed ${seed}`).to.be.at.most(maxCount);
      }
    }
  });
});
