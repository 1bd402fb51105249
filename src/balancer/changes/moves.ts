import { setTimeout as sleep } from 'node:timers/promises';

import type { NodeLinks } from '../../controller/nodes/nodes.ts';
import type { Reading, Row, Store } from '../../controller/store/store.ts';
import { instancesOf } from '../../controller/vrrp/rows.ts';
import { Fault } from '../../kit/fault.ts';
import type { Scope } from '../domain.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { family, type LoadBalancer } from '../objects.ts';
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
  /** Brings load balancers onto their nodes again, because a certificate has changed. */
  redeploy: (balancers: readonly string[]) => Promise<void>;
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
      let isAgain = false;
      try {
        const balancers = await placedOn(node);
        if (balancers.length === 0) return;
        for (const balancer of balancers) {
          if (isStopping()) return;
          if (await moveFrom(node, balancer)) isAgain = true;
        }
      } catch {
        // A store that failed is asked again later.
        isAgain = true;
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
      const ground = await placer.ground();
      const isPlaced = await store.write(async (transaction) => {
        const before = await placementCount(transaction, balancer);
        const now = clock();
        await placer.place(transaction, ground, balancer, now);
        if ((await placementCount(transaction, balancer)) === before) return false;
        await openRepetition(transaction, balancer, now);
        return true;
      });
      if (isPlaced) parts.onChanged(balancer);
    }
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
    async redeploy(balancers) {
      for (const balancer of balancers) {
        await store.write(async (transaction) => {
          const row = await transaction.one('SELECT * FROM balancer_load_balancers WHERE id = $1', [
            balancer,
          ]);
          if (row && !(await tryLock(transaction, row, clock())))
            await openRepetition(transaction, balancer, clock());
        });
        parts.onChanged(balancer);
      }
    },
    stop() {
      stopping.abort();
    },
  };
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

/** The node that says that it has the VIP of a load balancer. */
export async function masterOf(
  store: Pick<Store, 'one' | 'all'>,
  links: Pick<NodeLinks, 'word'>,
  balancer: string,
): Promise<number | undefined> {
  const row = await store.one(
    'SELECT pair, vip_address FROM balancer_load_balancers WHERE id = $1',
    [balancer],
  );
  const pair = row?.['pair'] ?? null;
  if (pair === null) return undefined;
  const instances = await instancesOf(store, { family, id: Number(pair) });
  const address = String(row?.['vip_address']);
  const own = instances.find(({ addresses }) =>
    addresses.some((each) => each.startsWith(`${address}/`)),
  );
  return (
    own &&
    masterOfInstance(
      links,
      own.peers.map(({ node }) => node),
      own.name,
    )
  );
}

function masterOfInstance(
  links: Pick<NodeLinks, 'word'>,
  nodes: readonly number[],
  name: string,
): number | undefined {
  const masters = nodes
    .map((node) => ({ node, word: links.word(node) }))
    .filter(({ word }) =>
      word?.report.instances.some((each) => each.name === name && each.state === 'MASTER'),
    )
    // The latest word is right where two differ.
    .sort((a, b) => (b.word?.receivedAt ?? 0) - (a.word?.receivedAt ?? 0));
  return masters[0]?.node;
}
