import { Fault } from './errors.ts';
import { inTurn } from './in-turn.ts';

/**
 * Lets changes be made one at a time.
 *
 * INVARIANTS
 * - At most one runs at a time.
 * - They run in the order in which they were asked for.
 * - At most `capacity` wait beside the one that runs; what comes then is refused, and nothing of it runs.
 * - What was let in runs to its end, whether or not anybody still waits for it; that it fails does not
 *   hold up the next.
 */
export interface Lock {
  /** Faults: `too_many_changes`, those of the work. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

/** Roughly how long a few changes take. */
const retryAfterSeconds = 5;

export function makeLock(capacity = 256): Lock {
  const queue = inTurn();
  let inside = 0;
  return {
    async run(work) {
      if (inside > capacity) {
        throw new Fault(
          'too_many_changes',
          `${capacity} changes are waiting on this node already. Nothing of this one was done; ask again in some seconds.`,
          { retryAfterSeconds },
        );
      }
      inside += 1;
      try {
        return await queue(work);
      } finally {
        inside -= 1;
      }
    },
  };
}
