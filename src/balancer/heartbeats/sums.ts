import type { ListenerSum, OperatingStore } from '../deploying.ts';
import type { Statistics } from '../objects.ts';

/** Statistics that wait to be written. */
export interface Sums {
  /** Adds what the listeners of a node have counted. Those that it no longer has are without open connections. */
  add(node: number, counted: ReadonlyMap<string, Statistics>): void;
  /** Writes what has come since. What is not written stays. */
  flush(): Promise<void>;
}

/** More than a controller has listeners on nodes. Others are not counted until the next writing. */
const maxWaiting = 50_000;

export function makeSums(store: Pick<OperatingStore, 'addStatistics'>): Sums {
  let waiting = new Map<string, ListenerSum>();
  /** The open connections that were given last, where there are any. */
  const open = new Map<number, ReadonlySet<string>>();

  function put(sum: ListenerSum): void {
    const key = `${sum.node} ${sum.listener}`;
    const former = waiting.get(key);
    if (former === undefined && waiting.size >= maxWaiting) return;
    waiting.set(
      key,
      former ? { ...sum, statistics: added(former.statistics, sum.statistics) } : sum,
    );
  }

  return {
    add(node, counted) {
      const before = open.get(node) ?? new Set<string>();
      for (const listener of before) {
        if (!counted.has(listener)) put({ node, listener, statistics: nothing });
      }
      for (const [listener, statistics] of counted) {
        const isNews = Object.values(statistics).some((value) => value > 0);
        if (isNews || before.has(listener)) put({ node, listener, statistics });
      }
      const busy = [...counted].filter(([, { activeConnections }]) => activeConnections > 0);
      open.set(node, new Set(busy.map(([listener]) => listener)));
    },
    async flush() {
      if (waiting.size === 0) return;
      const sums = waiting;
      waiting = new Map();
      try {
        await store.addStatistics([...sums.values()]);
      } catch (error) {
        const later = [...waiting.values()];
        waiting = sums;
        for (const each of later) put(each);
        throw error;
      }
    },
  };
}

const nothing: Statistics = {
  bytesIn: 0,
  bytesOut: 0,
  activeConnections: 0,
  totalConnections: 0,
  requestErrors: 0,
};

/** The numbers of open connections are those of the later one. */
function added(former: Statistics, later: Statistics): Statistics {
  return {
    bytesIn: former.bytesIn + later.bytesIn,
    bytesOut: former.bytesOut + later.bytesOut,
    activeConnections: later.activeConnections,
    totalConnections: former.totalConnections + later.totalConnections,
    requestErrors: former.requestErrors + later.requestErrors,
  };
}
