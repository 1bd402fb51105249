import type { NodeLinks } from '../../controller/nodes/nodes.ts';
import type { Row, Store } from '../../controller/store/store.ts';
import type { VrrpWorker } from '../../controller/vrrp/worker.ts';
import { makeLogLimit } from '../../kit/log-limit.ts';
import type { Log } from '../../kit/log.ts';
import { type Ground, instanceNames, prioritiesOf, refreshPair } from './pairs.ts';

/**
 * Keeps VIPs where they are when a node comes back that was cut off.
 *
 * Such a node has the VIPs of its side all the time. By a higher priority it would get the traffic back at once, while its
 * haproxy still takes all members for down. So the other node has a higher one for as long as it is alone.
 */
export interface Holding {
  start(): void;
  stop(): void;
}

export interface HoldingParts {
  store: Store;
  links: Pick<NodeLinks, 'word' | 'isReachable' | 'onWord'>;
  worker: Pick<VrrpWorker, 'apply'>;
  placer: { ground: () => Promise<Ground> };
  log: Log;
  /** Milliseconds since 1970. */
  clock: () => number;
  /** Milliseconds without an answer after which a node is away. A controller that starts has reached it before. */
  awayMs?: number;
}

/** The node that holds the VIPs of a pair, and its priority there. */
interface Holder {
  node: number;
  priority: number;
}

interface Pair {
  id: number;
  nodes: readonly [number, number];
  priorities: ReadonlyMap<number, number>;
  holder: Holder | undefined;
}

/** The highest one that is not that of an owner of the address (RFC 5798, section 5.2.4). */
const maxPriority = 254;
const repeatLogAfterMs = 600_000;

export function makeHolding(parts: HoldingParts): Holding {
  const { store, links, worker, placer, log, clock, awayMs = 1000 } = parts;
  const awaySince = new Map<number, number>();
  const isDue = makeLogLimit({ repeatAfterMs: repeatLogAfterMs });
  const state = { isLooking: false, isAgain: false, isStopped: false };
  let unsubscribe: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;

  function isAway(node: number): boolean {
    if (links.isReachable(node)) {
      awaySince.delete(node);
      return false;
    }
    const now = performance.now();
    const since = awaySince.get(node) ?? now;
    awaySince.set(node, since);
    if (now - since >= awayMs) return true;
    timer ??= setTimeout(
      () => {
        timer = undefined;
        look();
      },
      since + awayMs - now,
    );
    return false;
  }

  function isMaster(node: number, pair: Pair): boolean {
    const instances = links.word(node)?.report.instances ?? [];
    return instances.some(
      ({ name, state: is }) => is === 'MASTER' && instanceNames(pair.id).includes(name),
    );
  }

  /** Who is to hold the VIPs of a pair now; undefined if the usual priorities are right. */
  function holderOf(pair: Pair): Holder | undefined {
    const { nodes, holder, priorities } = pair;
    const [first, second] = nodes;
    const away = nodes.find(isAway);
    const rest = away === first ? second : first;
    if (away === undefined) {
      const other = holder?.node === first ? second : first;
      const hasYielded = nodes.every((node) => links.isReachable(node)) && !isMaster(other, pair);
      return hasYielded ? undefined : holder;
    }
    const above = priorities.get(away) ?? 0;
    const isBelow = (priorities.get(rest) ?? 0) <= above;
    if (!isBelow || !links.isReachable(rest) || !isMaster(rest, pair)) return holder;
    return { node: rest, priority: Math.min(above + 1, maxPriority) };
  }

  async function once(): Promise<void> {
    const rows = await store.all('SELECT * FROM balancer_pairs WHERE second_node <> 0 ORDER BY id');
    for (const row of rows) {
      if (state.isStopped) return;
      const pair = pairOf(row);
      const next = holderOf(pair);
      if (next?.node === pair.holder?.node && next?.priority === pair.holder?.priority) continue;
      const ground = await placer.ground();
      const due = await store.write(async (transaction) => {
        await transaction.run(
          'UPDATE balancer_pairs SET holder = $1, holder_priority = $2 WHERE id = $3',
          [next?.node ?? null, next?.priority ?? null, pair.id],
        );
        return refreshPair(transaction, ground, pair.id, { now: clock() });
      });
      log.info(
        { pair: pair.id, nodes: pair.nodes, holder: next?.node ?? null },
        'VIPs stay where they are',
      );
      await worker.apply(due);
    }
  }

  function look(): void {
    if (state.isStopped) return;
    if (state.isLooking) {
      state.isAgain = true;
      return;
    }
    state.isLooking = true;
    void once()
      .catch((error: unknown) => {
        if (isDue(String(error)))
          log.warn(
            { error: String(error) },
            'it could not be seen to that VIPs stay where they are',
          );
      })
      .finally(() => {
        state.isLooking = false;
        if (!state.isAgain) return;
        state.isAgain = false;
        look();
      });
  }

  return {
    start() {
      unsubscribe = links.onWord(look);
      look();
    },
    stop() {
      state.isStopped = true;
      unsubscribe?.();
      clearTimeout(timer);
    },
  };
}

function pairOf(row: Row): Pair {
  const [first, second] = [Number(row['first_node']), Number(row['second_node'])];
  const holder = row['holder'] ?? null;
  return {
    id: Number(row['id']),
    nodes: [first, second],
    priorities: prioritiesOf(row),
    holder:
      holder === null
        ? undefined
        : { node: Number(holder), priority: Number(row['holder_priority']) },
  };
}
