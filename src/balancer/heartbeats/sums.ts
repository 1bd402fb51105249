import type { OperatingStore } from '../deploying.ts';
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
  const waiting = new Map<number, Map<string, Statistics>>();
  /** The open connections that were given last, where there are any. */
  const open = new Map<number, ReadonlySet<string>>();

  function put(node: number, listener: string, statistics: Statistics): void {
    const own = waiting.get(node) ?? new Map<string, Statistics>();
    if (own.size < maxWaiting) own.set(listener, added(own.get(listener), statistics));
    waiting.set(node, own);
  }

  async function write(node: number, sums: Map<string, Statistics>): Promise<void> {
    waiting.delete(node);
    const rows = [...sums].map(([listener, statistics]) => ({ listener, statistics }));
    try {
      await store.addStatistics(node, rows);
    } catch (error) {
      const later = waiting.get(node) ?? new Map<string, Statistics>();
      waiting.set(node, later);
      for (const [listener, statistics] of sums) {
        const since = later.get(listener);
        later.set(listener, since ? added(statistics, since) : statistics);
      }
      throw error;
    }
  }

  return {
    add(node, counted) {
      const before = open.get(node) ?? new Set<string>();
      for (const listener of before) if (!counted.has(listener)) put(node, listener, nothing);
      for (const [listener, statistics] of counted) {
        const isNews = Object.values(statistics).some((value) => value > 0);
        if (isNews || before.has(listener)) put(node, listener, statistics);
      }
      const busy = [...counted].filter(([, { activeConnections }]) => activeConnections > 0);
      open.set(node, new Set(busy.map(([listener]) => listener)));
    },
    async flush() {
      // They are given together, so that the store can write them together.
      const works = [...waiting].map(([node, sums]) => write(node, sums));
      await Promise.allSettled(works);
      await Promise.all(works);
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
function added(former: Statistics = nothing, later: Statistics): Statistics {
  return {
    bytesIn: former.bytesIn + later.bytesIn,
    bytesOut: former.bytesOut + later.bytesOut,
    activeConnections: later.activeConnections,
    totalConnections: former.totalConnections + later.totalConnections,
    requestErrors: former.requestErrors + later.requestErrors,
  };
}
