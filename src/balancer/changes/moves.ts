import { setTimeout as sleep } from 'node:timers/promises';

import type { NodeLinks } from '../../controller/nodes/nodes.ts';
import type { Reading, Row, Transaction } from '../../controller/store/store.ts';
import { Fault } from '../../kit/fault.ts';
import type { Scope } from '../domain.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { LoadBalancer } from '../objects.ts';
import { masterOf, masterOfInstance } from '../placing/masters.ts';
import { findBalancer } from '../rows/find.ts';
import { loadBalancerOf } from '../rows/objects.ts';
import { immutable, taken } from '../sentences.ts';
import { lockBalancer, openRepetition } from '../state/changing.ts';
import { type ChangeParts, changeIn, written } from './change.ts';

/** Changes of where load balancers are, and of nothing that their owners have set. */
export interface Moves {
  /** Tries at once what is to be tried again, and adds a node that is missing. */
  repair: (scope: Scope, id: string) => Promise<LoadBalancer>;
  /** Gives its VIP to its other node. */
  failover: (scope: Scope, id: string) => Promise<LoadBalancer>;
  /** Takes load balancers off a node, one after another. It goes on after the call. */
  empty: (node: number) => void;
  /** Gives load balancers the nodes that they lack, after another one has come. It goes on after the call. */
  fill: () => void;
  /**
   * Has load balancers brought onto their nodes again, in the transaction that has changed a certificate of theirs.
   * Call `onChanged` for each after it.
   */
  redeploy: (transaction: Transaction, balancers: readonly string[]) => Promise<void>;
  stop: () => void;
}

export interface MovesParts extends ChangeParts {
  jobs: Jobs;
  links: Pick<NodeLinks, 'word' | 'isReachable'>;
}

/** Milliseconds to wait for one load balancer before the next one is moved, and before a locked one is tried again. */
const settleMs = 60_000;
const againMs = 1000;

export function makeMoves(parts: MovesParts): Moves {
  const { store, placer, clock, jobs, links, deadlineMs } = parts;
  const stopping = new AbortController();
  const emptying = new Set<number>();
  const filling: { work: Promise<void> | undefined; isAgain: boolean } = {
    work: undefined,
    isAgain: false,
  };

  async function repair(scope: Scope, id: string): Promise<LoadBalancer> {
    const ground = await placer.ground();
    const row = await store.write(async (transaction) => {
      const found = await findBalancer(transaction, scope, id, clock());
      const balancer = String(found['id']);
      if (found['provisioning'] === 'DELETED') throw immutable(balancer);
      if (found['fate'] !== 'delete') await placer.place(transaction, ground, balancer, clock());
      await openRepetition(transaction, balancer, clock());
      return written({ transaction }, 'balancer_load_balancers', balancer);
    });
    parts.onChanged(String(row['id']));
    return loadBalancerOf(row);
  }

  async function failover(scope: Scope, id: string): Promise<LoadBalancer> {
    const ground = await placer.ground();
    return changeIn(
      parts,
      { scope, place: { loadBalancer: id }, condition: undefined },
      async ({ transaction, lock, id: balancer }) => {
        const placed = await transaction.all(
          'SELECT node FROM balancer_placements WHERE load_balancer = $1 ORDER BY rank',
          [balancer],
        );
        const [first, second] = placed.map(({ node }) => Number(node));
        if (first === undefined || second === undefined)
          throw taken(
            `Load Balancer ${balancer} is on one node only, so its VIP cannot go to another one. 'hactl lb repair ${balancer}' adds a second node if there is one.`,
          );
        const turn = await lock();
        const present = await masterOf(store, links, balancer);
        // It may have gone to the other node by itself already.
        const isSwapped = present === second;
        if (isSwapped) {
          await placer.swap(transaction, ground, {
            balancer,
            now: turn.now,
            preempt: () => false,
          });
        }
        const target = isSwapped ? first : second;
        if (!links.isReachable(target))
          throw taken(
            `The other node of Load Balancer ${balancer}, ${target}, does not answer, so its VIP stays where it is. Try again when it does.`,
          );
        await placer.swap(transaction, ground, {
          balancer,
          now: turn.now,
          // The VRRP instance of the other order may be on the wrong node, too.
          preempt: (pair) => {
            const master = masterOfInstance(links, [first, second], `lb_${pair}`);
            return master !== undefined && master !== target;
          },
        });
        return loadBalancerOf(await written({ transaction }, 'balancer_load_balancers', balancer));
      },
    );
  }

  /** Moves one load balancer. @returns whether it is to be tried again */
  async function moveFrom(node: number, balancer: string): Promise<boolean> {
    const ground = await placer.ground();
    const isLocked = await store.write(async (transaction) => {
      const row = await transaction.one('SELECT * FROM balancer_load_balancers WHERE id = $1', [
        balancer,
      ]);
      const draining = await transaction.one('SELECT node FROM balancer_draining WHERE node = $1', [
        node,
      ]);
      if (row === undefined || draining === undefined) return false;
      const now = clock();
      // Service counts more than an empty node.
      if (!(await placer.canLeave(transaction, ground, { balancer, node }))) return true;
      if (row['provisioning'] === 'ERROR') await openRepetition(transaction, balancer, now);
      else if (!(await tryLock(transaction, row, now))) return true;
      await placer.leave(transaction, ground, { balancer, node, now });
      return false;
    });
    if (isLocked) return true;
    parts.onChanged(balancer);
    await jobs.waiting.until(
      balancer,
      async () => {
        const row = await store.one(
          'SELECT provisioning FROM balancer_load_balancers WHERE id = $1',
          [balancer],
        );
        return !String(row?.['provisioning'] ?? '').startsWith('PENDING');
      },
      { timeoutMs: settleMs, signal: stopping.signal },
    );
    return false;
  }

  async function tryLock(
    transaction: Parameters<typeof lockBalancer>[0],
    row: Row,
    now: number,
  ): Promise<boolean> {
    try {
      await lockBalancer(transaction, row, { to: 'PENDING_UPDATE', now, deadlineMs });
      return true;
    } catch (error) {
      if (error instanceof Fault && error.code === 'balancer_immutable') return false;
      throw error;
    }
  }

  async function empty(node: number): Promise<void> {
    const isStopping = () => stopping.signal.aborted;
    while (!isStopping()) {
      // A store that failed is asked again later.
      const balancers = await placedOn(node).catch(() => undefined);
      if (balancers?.length === 0) return;
      let isAgain = balancers === undefined;
      for (const balancer of balancers ?? []) {
        if (isStopping()) return;
        // One that finds no place keeps no other one there.
        if (await moveFrom(node, balancer).catch(() => true)) isAgain = true;
      }
      if (isAgain) await pause(againMs, stopping.signal);
    }
  }

  async function fillAll(): Promise<void> {
    const rows = await store.all(
      `SELECT b.id FROM balancer_load_balancers b
       LEFT JOIN balancer_placements p ON p.load_balancer = b.id
       WHERE b.provisioning <> 'DELETED' AND (b.fate IS NULL OR b.fate <> 'delete')
       GROUP BY b.id HAVING COUNT(p.node) < 2 ORDER BY b.id`,
    );
    for (const row of rows) {
      if (stopping.signal.aborted) return;
      const balancer = String(row['id']);
      try {
        if (await fillOne(balancer)) parts.onChanged(balancer);
      } catch (error) {
        // No port or router id is free for this one; 'repair' says so. The next ones may find a place.
        if (!(error instanceof Fault && error.code === 'balancer_conflict')) throw error;
      }
    }
  }

  /** @returns whether it has another node now. Faults: `balancer_conflict`, those of Store */
  async function fillOne(balancer: string): Promise<boolean> {
    const ground = await placer.ground();
    return store.write(async (transaction) => {
      const before = await placementCount(transaction, balancer);
      const now = clock();
      await placer.place(transaction, ground, balancer, now);
      if ((await placementCount(transaction, balancer)) === before) return false;
      await openRepetition(transaction, balancer, now);
      return true;
    });
  }

  async function fill(): Promise<void> {
    filling.isAgain = true;
    while (filling.isAgain && !stopping.signal.aborted) {
      filling.isAgain = false;
      const isDone = await fillAll().then(
        () => true,
        () => false,
      );
      if (isDone) continue;
      // A store that failed is asked again later.
      filling.isAgain = true;
      await pause(againMs, stopping.signal);
    }
  }

  /** What is to leave a node that is drained. */
  async function placedOn(node: number): Promise<string[]> {
    const rows = await store.all(
      `SELECT p.load_balancer FROM balancer_placements p JOIN balancer_draining d ON d.node = p.node
       JOIN balancer_load_balancers b ON b.id = p.load_balancer
       WHERE p.node = $1 AND (b.fate IS NULL OR b.fate <> 'delete') ORDER BY p.load_balancer`,
      [node],
    );
    return rows.map((row) => String(row['load_balancer']));
  }

  return {
    repair,
    failover,
    empty(node) {
      if (emptying.has(node)) return;
      emptying.add(node);
      void empty(node).finally(() => {
        emptying.delete(node);
      });
    },
    fill() {
      filling.isAgain = true;
      filling.work ??= fill().finally(() => {
        filling.work = undefined;
      });
    },
    async redeploy(transaction, balancers) {
      for (const balancer of balancers) {
        const row = await transaction.one('SELECT * FROM balancer_load_balancers WHERE id = $1', [
          balancer,
        ]);
        if (row === undefined || (await tryLock(transaction, row, clock()))) continue;
        await outdate(transaction, balancer);
        await openRepetition(transaction, balancer, clock());
      }
    },
    stop() {
      stopping.abort();
    },
  };
}

/** Has what an attempt under way brings onto nodes not count: it may have read the former certificate. */
async function outdate(transaction: Transaction, balancer: string): Promise<void> {
  await transaction.run('UPDATE balancer_load_balancers SET fence = fence + 1 WHERE id = $1', [
    balancer,
  ]);
  await transaction.run(
    `UPDATE balancer_placements SET why = 'It does not have the new certificate yet.',
       deployed = (SELECT fence FROM balancer_load_balancers WHERE id = $1) WHERE load_balancer = $1`,
    [balancer],
  );
}

async function placementCount(reading: Reading, balancer: string): Promise<number> {
  const row = await reading.one(
    'SELECT COUNT(*) AS count FROM balancer_placements WHERE load_balancer = $1',
    [balancer],
  );
  return Number(row?.['count']);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
