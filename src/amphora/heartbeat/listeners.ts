import type { ListenerState, Owner } from '../amphora.ts';
import type { OwnerCounters, Sums } from './counters.ts';
import type { BeatListener, BeatVersion, Counters } from './payload.ts';

const zeros: Counters = { tx: 0, rx: 0, conns: 0, totconns: 0, ereq: 0 };

/**
 * The listeners that a heartbeat reports. Receivers count them, and renew no amphora's life if one is missing.
 * A listener of API 0.1 and 0.5 that does not run is reported as `DOWN` in version 1. One whose process gives no answer
 * is left out.
 * @param differences what is not reported yet of a listener of an owner
 */
export function listenersOf(
  owners: readonly Owner[],
  readings: readonly OwnerCounters[],
  version: BeatVersion,
  differences: (owner: string, listener: string) => Sums,
): BeatListener[] {
  const alone = new Set(owners.flatMap(({ kind, id }) => (kind === 'listener' ? [id] : [])));
  return readings.flatMap((reading): BeatListener[] => {
    const { owner, state, listeners } = reading;
    if (version === 1 && state === 'stopped' && alone.has(owner)) {
      return [{ id: owner, status: 'DOWN', stats: zeros, pools: [] }];
    }
    return listeners.map(({ id, status, pools }) => {
      const stats =
        version === 1
          ? { ...totalsOf(reading, id), conns: connectionsOf(reading, id) }
          : { ...named(differences(owner, id)), conns: connectionsOf(reading, id) };
      return { id, status, stats, pools };
    });
  });
}

/** A listener of LVS in the form of haproxy's. Its counters go on until its process restarts. */
export function lvsReading(
  { id, status, pools }: ListenerState,
  counters: Counters,
): OwnerCounters {
  const beatPools = pools.map((pool) => ({ ...pool, name: pool.id }));
  return {
    owner: id,
    state: 'serves',
    current: 'lvs',
    workers: [{ worker: 'lvs', rows: new Map([[id, counters]]) }],
    listeners: [{ id, status: status === 'ACTIVE' ? 'OPEN' : 'DOWN', pools: beatPools }],
  };
}

/** Connections of leaving workers are connections. */
function connectionsOf({ workers }: OwnerCounters, listener: string): number {
  return workers.reduce((sum, { rows }) => sum + (rows?.get(listener)?.conns ?? 0), 0);
}

function totalsOf({ workers, current }: OwnerCounters, listener: string): Counters {
  return workers.find(({ worker }) => worker === current)?.rows?.get(listener) ?? zeros;
}

function named([tx, rx, totconns, ereq]: Sums): Omit<Counters, 'conns'> {
  return { tx, rx, totconns, ereq };
}
