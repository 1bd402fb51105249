import { setTimeout as sleep } from 'node:timers/promises';

import type { BalancerDomain, Scope } from '../../balancer/domain.ts';
import { makeSerializerPerKey } from '../../kit/concurrency/serialize.ts';
import { Fault } from '../../kit/fault.ts';

/**
 * Makes a change of a load balancer that is being changed wait for its turn, instead of refusing it.
 * @param loadBalancer the id
 * Faults: `balancer_immutable` if its turn did not come in time, or if too many wait already; those of the work
 */
export type TakeTurn = <T>(
  loadBalancer: string,
  scope: Scope,
  work: () => Promise<T>,
) => Promise<T>;

/** A change takes about a second. */
const maxWaitMs = 30_000;
/** Max number of changes that wait for one load balancer. */
const maxWaiting = 64;
/** Another change may come first, and the states change a moment after the wait has ended. */
const pauseMs = 20;

export function makeTurns({ loadBalancers }: Pick<BalancerDomain, 'loadBalancers'>): TakeTurn {
  const serialize = makeSerializerPerKey();
  const waiting = new Map<string, number>();

  async function attempt<T>(
    loadBalancer: string,
    scope: Scope,
    work: () => Promise<T>,
    until: number,
  ): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const leftMs = until - performance.now();
        if (!isImmutable(error) || leftMs <= 0) throw error;
        await loadBalancers.settled(loadBalancer, leftMs);
        const { provisioning } = await loadBalancers.get(scope, loadBalancer);
        // It stays in this state until its cause is gone, so its turn may never come.
        if (provisioning === 'ERROR') throw error;
        await sleep(pauseMs);
      }
    }
  }

  return async (loadBalancer, scope, work) => {
    const count = waiting.get(loadBalancer) ?? 0;
    if (count >= maxWaiting) return work();
    waiting.set(loadBalancer, count + 1);
    const until = performance.now() + maxWaitMs;
    try {
      return await serialize(loadBalancer, () => attempt(loadBalancer, scope, work, until));
    } finally {
      const left = (waiting.get(loadBalancer) ?? 1) - 1;
      if (left > 0) waiting.set(loadBalancer, left);
      else waiting.delete(loadBalancer);
    }
  };
}

function isImmutable(error: unknown): boolean {
  return error instanceof Fault && error.code === 'balancer_immutable';
}
