import { Gauge, type Registry } from 'prom-client';

import { Fault } from '../kit/fault.ts';
import { makeSerializer } from '../kit/concurrency/serialize.ts';

/**
 * Runs changes one at a time.
 *
 * INVARIANTS
 * - At most one change runs at a time, except those that run concurrently on purpose.
 * - Changes run in the order of their requests.
 * - At most `capacity` changes wait. Further ones are refused, and no part of them runs.
 * - A change that has begun runs to its end, whether or not anybody still waits for it. A failure does not stop the
 *   next change.
 * - After a stop, no change begins.
 */
export interface Lock {
  /** Faults: `too_many_changes`, `stopping`, those of the work. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Runs work at once, concurrently with the queue. Faults: `stopping`, those of the work. */
  runBeside<T>(work: () => Promise<T>): Promise<T>;
  /** The number of changes that were requested and have not ended, including the running one. */
  pending: () => number;
  /** Refuses waiting and further changes. Returns when nothing runs any more. */
  stop(): Promise<void>;
}

/** About the time that a few changes take. */
const retryAfterSeconds = 5;

export function makeLock(capacity = 256): Lock {
  const queue = makeSerializer();
  let inside = 0;
  let isStopping = false;
  const running = new Set<Promise<unknown>>();
  const waiting = new Set<(fault: Fault) => void>();

  function begin<T>(work: () => Promise<T>): Promise<T> {
    if (isStopping) throw stopping();
    const run = work();
    running.add(run);
    const ended = () => running.delete(run);
    run.then(ended, ended);
    return run;
  }

  return {
    async run(work) {
      if (isStopping) throw stopping();
      if (inside > capacity) {
        throw new Fault(
          'too_many_changes',
          `${capacity} changes are already waiting on this node. Nothing was done; try again in a few seconds.`,
          { retryAfterSeconds },
        );
      }
      inside += 1;
      try {
        // A waiting change is refused at once, not when the running one has ended.
        return await new Promise((resolve, reject) => {
          waiting.add(reject);
          queue(async () => {
            waiting.delete(reject);
            return begin(work);
          }).then(resolve, reject);
        });
      } finally {
        inside -= 1;
      }
    },

    async runBeside(work) {
      return begin(work);
    },

    pending: () => inside,

    async stop() {
      isStopping = true;
      for (const refuse of waiting) refuse(stopping());
      waiting.clear();
      await Promise.allSettled(running);
    },
  };
}

function stopping(): Fault {
  return new Fault(
    'stopping',
    'The agent is being stopped or restarted. Nothing was done; try again in a few seconds.',
    { retryAfterSeconds },
  );
}

/** Adds the number of changes to the fault. */
export function addLockMetrics(registry: Registry, { pending }: Pick<Lock, 'pending'>): void {
  new Gauge({
    name: 'ha_agent_changes_pending',
    help: 'Changes that are waiting or under way.',
    registers: [registry],
    collect() {
      this.set(pending());
    },
  });
}
