import type { Statistics } from '../objects.ts';
import type { Beat, BeatCounters } from './beat.ts';

type Totals = Omit<BeatCounters, 'conns'>;

/** Makes what is to be added out of what a node reports. */
export interface Counting {
  /** @returns what each listener has counted since the heartbeat before, and its open connections */
  add(beat: Beat): ReadonlyMap<string, Statistics>;
}

/** Counts of one node. Each heartbeat must be given once, in the order of their numbers. */
export function makeCounting(): Counting {
  let totals: ReadonlyMap<string, Totals> | undefined;

  /** A counter that has fallen belongs to a new process of haproxy, and counts from 0. */
  function since(id: string, now: Totals): Totals {
    const former = totals?.get(id) ?? { tx: 0, rx: 0, totconns: 0, ereq: 0 };
    const keys = ['tx', 'rx', 'totconns', 'ereq'] as const;
    if (keys.some((key) => now[key] < former[key])) return now;
    return {
      tx: now.tx - former.tx,
      rx: now.rx - former.rx,
      totconns: now.totconns - former.totconns,
      ereq: now.ereq - former.ereq,
    };
  }

  return {
    add({ hasDifferences, listeners }) {
      const isKnown = totals !== undefined;
      const sums = [...listeners].map(([id, { counters }]): [string, Statistics] => {
        // Totals of a node that this process hears for the first time may be in the store already.
        const zero = { tx: 0, rx: 0, totconns: 0, ereq: 0 };
        const added = hasDifferences ? counters : isKnown ? since(id, counters) : zero;
        return [
          id,
          {
            bytesIn: added.rx,
            bytesOut: added.tx,
            totalConnections: added.totconns,
            requestErrors: added.ereq,
            activeConnections: counters.conns,
          },
        ];
      });
      totals = hasDifferences
        ? new Map()
        : new Map([...listeners].map(([id, { counters }]) => [id, counters]));
      return new Map(sums);
    },
  };
}
