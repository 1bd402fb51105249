import type { Orders } from '../../keepalived/report.ts';
import type { WantedKeepalived } from '../../keepalived/wanted.ts';
import { Fault } from '../../kit/fault.ts';
import { makeLogLimit } from '../../kit/log-limit.ts';
import type { Log } from '../../kit/log.ts';
import type { NodeLinks, NodeRegistry } from '../nodes/nodes.ts';
import type { Store, StoreIdentity } from '../store/store.ts';
import {
  type Attempted,
  defaultTimes,
  makeNodeQueue,
  type NodeQueue,
  type QueueTimes,
} from './node-queue.ts';
import { makeOrderBook, type StoredOrders } from './orders.ts';
import { makePlanner } from './planner.ts';

/**
 * What became of a change on one node. `held` means that the node runs something else that this store did not order: since
 * before a restore, and nobody has confirmed that it may go, or from another copy of the store. `failed` means that the
 * controller itself could not order it, because its store cannot be read or written now. `incapable` means that the agent
 * of the node takes no orders for keepalived.
 */
export type NodeResult =
  'running' | 'unreachable' | 'refused' | 'held' | 'failed' | 'gone' | 'incapable';

export interface NodeOutcome {
  node: number;
  result: NodeResult;
  /** One sentence; undefined if the node runs it. */
  why: string | undefined;
}

/**
 * Brings each node to what the rows say.
 *
 * INVARIANTS
 * - What a node is ordered was planned from rows that were committed before.
 * - A node is asked for nothing if it runs its part already.
 * - What a node runs since before a restore of the store is not replaced, until somebody confirms it.
 * - What a node runs by another copy of this store is not replaced.
 */
export interface VrrpWorker {
  /**
   * Has nodes run what the rows say now. Call it after the transaction.
   * @returns when each of them runs it, or cannot be made to; it is then tried again by itself
   */
  apply(nodes: readonly number[]): Promise<readonly NodeOutcome[]>;
  /** Looks at all nodes again: one has joined, or its interfaces have changed. */
  refresh(): Promise<void>;
  /** The last outcome on a node that is not `running`. */
  trouble(node: number): NodeOutcome | undefined;
  /** The orders of all nodes, as the store has them. */
  orders(): Promise<ReadonlyMap<number, StoredOrders>>;
  /** Lets a node run what this store says, although it ran something else before a restore. */
  confirm(node: number): Promise<readonly NodeOutcome[]>;
  /** Begins to bring nodes that differ to what the rows say, and does so after each of their reports. */
  start(): Promise<void>;
  /** Orders nothing more. Who waits for a node is answered that it cannot be reached. */
  stop(): void;
}

export interface VrrpWorkerParts {
  store: Store;
  registry: NodeRegistry;
  links: NodeLinks;
  digestOf: (wanted: WantedKeepalived) => string;
  log: Log;
  times?: QueueTimes;
}

type Attempt = NodeOutcome & Attempted;

const repeatAfterMs = 600_000;

export function makeVrrpWorker(parts: VrrpWorkerParts): VrrpWorker {
  const { store, registry, links, log, times = defaultTimes } = parts;
  const book = makeOrderBook(store);
  const queues = new Map<number, NodeQueue<Attempt>>();
  const troubles = new Map<number, NodeOutcome>();
  /** The orders that each node has confirmed last, and when. An older report does not count against them. */
  const accepted = new Map<number, { orders: Orders; at: number }>();
  const isDue = makeLogLimit({ repeatAfterMs });
  const planner = makePlanner(store, registry);
  let unsubscribe: (() => void) | undefined;
  let isStopped = false;

  function queueOf(node: number): NodeQueue<Attempt> {
    const known = queues.get(node);
    if (known) return known;
    const queue = makeNodeQueue(() => attempt(node), times);
    if (isStopped) queue.stop(stoppedOutcome(node));
    queues.set(node, queue);
    return queue;
  }

  async function attempt(node: number): Promise<Attempt> {
    const tried = await tryOnce(node).catch((error: unknown): Attempt => {
      return { node, result: 'failed', why: textOf(error), sentAt: undefined, isOpen: true };
    });
    if (tried.result === 'running' || tried.result === 'gone') troubles.delete(node);
    else {
      troubles.set(node, tried);
      const { result, why } = tried;
      if (isDue(`${node} ${result}`))
        log.warn({ node, result, why }, 'a node does not run its part');
    }
    if (tried.result === 'gone') forget(node);
    return tried;
  }

  /** Callers that still wait are answered by the queue that they have. */
  function forget(node: number): void {
    queues.delete(node);
    accepted.delete(node);
  }

  function runningOn(node: number): Orders | null {
    const [word, last] = [links.word(node), accepted.get(node)];
    if (last && (word === undefined || word.receivedAt < last.at)) return last.orders;
    return word?.report.running ?? null;
  }

  /** What would go from a node with an order. */
  function lostOn(node: number, { instances }: WantedKeepalived): string[] {
    const reported = links.word(node)?.report.instances ?? [];
    return reported
      .map(({ name }) => name)
      .filter((name) => !instances.some((each) => each.name === name));
  }

  function hasReported(node: number): boolean {
    return links.word(node) !== undefined || accepted.has(node);
  }

  async function tryOnce(node: number): Promise<Attempt> {
    const wanted = (await planner.plan()).get(node);
    const done = (result: NodeResult, why?: string): Attempt => {
      const isOpen = result !== 'running' && result !== 'gone';
      return { node, result, why, sentAt: undefined, isOpen };
    };
    if (wanted === undefined) return done('gone', `There is no node ${node} any more.`);
    const running = runningOn(node);
    // The store has each order before its node gets it.
    if (isFromCopy(running, await book.latest(node), store.identity)) return done('held', copied);
    // A node without an instance is ordered too: from then on it takes orders of no other store, and hears other routers.
    const { orders, confirmedEpoch } = await book.number(node, parts.digestOf(wanted));
    if (isSame(running, orders)) return done('running');
    if (links.hasNodePart(node) === false) return done('incapable', incapable);
    // Before its first report nobody knows whether it runs something that must not be replaced.
    if (!links.isReachable(node) || !hasReported(node)) return done('unreachable', unreachable);
    if (isFromBefore(running, orders) && confirmedEpoch < orders.epoch) {
      return done('held', held(lostOn(node, wanted)));
    }
    const sentAt = performance.now();
    try {
      await links.order(node, orders, wanted);
    } catch (error) {
      const isRefusal = !(error instanceof Fault) || error.code !== 'node_unreachable';
      return { ...done(isRefusal ? 'refused' : 'unreachable', textOf(error)), sentAt };
    }
    accepted.set(node, { orders, at: performance.now() });
    if (confirmedEpoch < orders.epoch) await book.confirm(node);
    return { ...done('running'), sentAt };
  }

  async function refresh(): Promise<void> {
    planner.forget();
    const nodes = await registry.list();
    for (const { id } of nodes) void queueOf(id).request();
  }

  async function onWord(node: number): Promise<void> {
    // Its own addresses are in the plans of other nodes too.
    if (await planner.isOutdated(node)) {
      await refresh();
      return;
    }
    const queue = queueOf(node);
    const trouble = troubles.get(node)?.result;
    const wasAway = trouble === 'unreachable' || trouble === 'incapable';
    if (wasAway && links.isReachable(node)) queue.hasten();
    else if (!troubles.has(node) && (await differs(node))) void queue.request();
  }

  /** Whether the last report of a node shows anything else than its orders. */
  async function differs(node: number): Promise<boolean> {
    const stored = await book.find(node);
    const running = runningOn(node);
    return stored === undefined ? running !== null : !isSame(running, stored.orders);
  }

  return {
    async apply(nodes) {
      planner.forget();
      const outcomes = await Promise.all(nodes.map((node) => queueOf(node).request()));
      return outcomes.map(({ node, result, why }) => ({ node, result, why }));
    },
    refresh,
    trouble(node) {
      if (links.hasNodePart(node) !== false) return troubles.get(node);
      return { node, result: 'incapable', why: incapable };
    },
    orders: () => book.all(),
    async confirm(node) {
      await book.confirm(node);
      return this.apply([node]);
    },
    async start() {
      unsubscribe = links.onWord((node) => {
        onWord(node).catch((error: unknown) => {
          log.warn(
            { node, error: textOf(error) },
            'a report could not be compared with the orders',
          );
        });
      });
      await refresh();
    },
    stop() {
      unsubscribe?.();
      isStopped = true;
      for (const [node, queue] of queues) queue.stop(stoppedOutcome(node));
    },
  };
}

function stoppedOutcome(node: number): Attempt {
  const why = 'The controller is stopping.';
  return { node, result: 'unreachable', why, sentAt: undefined, isOpen: false };
}

const unreachable = 'The node does not answer; it gets its part as soon as it does.';
const incapable =
  'The agent of the node takes no orders for keepalived, so it is not ha-amphora. Run ha-amphora there, or give the virtual addresses to other nodes.';
const maxNamed = 5;

/** @param lost the instances on the node that the store does not have there */
function held(lost: readonly string[]): string {
  const more = lost.length > maxNamed ? ` and ${lost.length - maxNamed} more` : '';
  const names = lost.length > 0 ? ` (${lost.slice(0, maxNamed).join(', ')}${more} would go)` : '';
  return `The node runs a configuration from before the store was restored, which differs from the store's${names}. Nothing on it was changed; 'hactl group adopt NODE' has it run what the store says.`;
}

const copied =
  "The node runs orders of this store that this controller has not given, so another controller has a copy of the store, or an older file of it was put back. Nothing on the node was changed; stop the other controller, or put a backup back with 'hactl controller restore' if it is gone.";

/** Whether another controller with the same store has ordered what a node runs. */
function isFromCopy(
  running: Orders | null,
  latest: { revision: number; digest: string | undefined },
  { id, epoch }: StoreIdentity,
): boolean {
  if (running === null || running.store !== id || running.epoch !== epoch) return false;
  if (running.revision !== latest.revision) return running.revision > latest.revision;
  return latest.digest !== undefined && running.digest !== latest.digest;
}

function isSame(running: Orders | null, { store, epoch, revision, digest }: Orders): boolean {
  return (
    running?.store === store &&
    running.epoch === epoch &&
    running.revision === revision &&
    running.digest === digest
  );
}

/** Whether a node runs something that was ordered before a restore, and that differs from what it would get. */
function isFromBefore(running: Orders | null, { store, epoch, digest }: Orders): boolean {
  return running?.store === store && running.epoch < epoch && running.digest !== digest;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
