import type { Suite } from '../lab/root.ts';
import { suites } from '../lab/root.ts';

/** Whether each matrix runs whole (`npm run test:full`), or only the share that a run of `npm test` has time for. */
export const isFull = process.env['HA_TEST_FULL'] === '1';

const dayMs = 24 * 3600 * 1000;

/** Decides which share it is: `HA_TEST_SEED`, or else a number that changes each day. */
export const seed = Number(process.env['HA_TEST_SEED'] ?? Math.floor(Date.now() / dayMs));

/** Another one for each suite. */
export function seedOf(suite: Suite): number {
  return seed * suites.length + suites.indexOf(suite);
}

/** All cases in a full run; else `count` of them, others on each day and on each suite. */
export function shareOf<T>(cases: readonly T[], count: number, suite: Suite): readonly T[] {
  if (isFull || count >= cases.length) return cases;
  // One share further each day, whatever the two numbers are.
  const start = ((seed + suites.indexOf(suite)) * count) % cases.length;
  return [...cases, ...cases].slice(start, start + count);
}

/** Whether it is the suite's turn: always in a full run, else on one day of as many as there are suites. */
export function hasTurn(suite: Suite): boolean {
  return isFull || suites[seed % suites.length] === suite;
}
