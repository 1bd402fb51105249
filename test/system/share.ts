import type { Suite } from '../lab/root.ts';
import { suites } from '../lab/root.ts';

/** Whether all cases run (`npm run test:full`), or only the share that `npm test` has time for. */
export const isFull = process.env['HA_TEST_FULL'] === '1';

const dayMs = 24 * 3600 * 1000;

/** Selects the share: `HA_TEST_SEED`, or a number that changes each day. */
export const seed = Number(process.env['HA_TEST_SEED'] ?? Math.floor(Date.now() / dayMs));

/** The seed of a suite. */
export function seedOf(suite: Suite): number {
  return seed * suites.length + suites.indexOf(suite);
}

/** All cases in a full run; otherwise `count` of them, which differ by day and suite. */
export function shareOf<T>(cases: readonly T[], count: number, suite: Suite): readonly T[] {
  if (isFull || count >= cases.length) return cases;
  // Each day, the share moves on by its own size.
  const start = ((seed + suites.indexOf(suite)) * count) % cases.length;
  return [...cases, ...cases].slice(start, start + count);
}

/** Whether each group of tests runs on each Debian (`npm test -- --every-group`), or in turn. */
const isEachGroupOnEachSuite = isFull || process.env['HA_TEST_EVERY_GROUP'] === '1';

/**
 * Whether a group of tests has its turn on a suite. Each group runs on one suite, and on another one each day.
 * @param group any number; groups with consecutive numbers run on different suites
 */
export function hasTurn(suite: Suite, group: number): boolean {
  return isEachGroupOnEachSuite || suites[(seed + group) % suites.length] === suite;
}
