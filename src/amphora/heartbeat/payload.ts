/** What a listener has done. `conns` is the number of connections now; the others count. */
export interface Counters {
  tx: number;
  rx: number;
  conns: number;
  totconns: number;
  ereq: number;
}

export interface BeatPool {
  /** The name of the backend: `POOL:LISTENER` in API 1.0, and `POOL` in API 0.1 and 0.5 and for LVS. */
  name: string;
  status: string;
  members: readonly { id: string; status: string }[];
}

export interface BeatListener {
  id: string;
  /** As haproxy says it: `OPEN`, or `FULL`; `DOWN` if the process does not run. */
  status: string;
  stats: Counters;
  pools: readonly BeatPool[];
}

export interface Beat {
  amphora: string;
  seq: number;
  listeners: readonly BeatListener[];
}

export const beatVersions = [1, 3] as const;
/** Version 1 has totals and the pools of each listener, version 3 has differences and all pools in one object. */
export type BeatVersion = (typeof beatVersions)[number];

/**
 * The JSON of a heartbeat, with its keys in the order of the real agent (build_stats_message in
 * octavia/amphorae/backends/health_daemon/health_daemon.py; version 1 as of Rocky).
 */
export function payloadOf({ amphora, seq, listeners }: Beat, version: BeatVersion): string {
  const ids = { id: amphora, seq };
  return JSON.stringify(
    version === 1
      ? { ...ids, listeners: entries(listeners, withPools), ver: 1 }
      : {
          ...ids,
          listeners: entries(listeners, ({ status, stats }) => ({ status, stats: ordered(stats) })),
          pools: Object.fromEntries(
            listeners.flatMap(({ pools }) => pools.map((pool) => [pool.name, stateOf(pool)])),
          ),
          ver: 3,
        },
  );
}

function withPools({ status, stats, pools }: BeatListener): object {
  // Receivers of Rocky know pools by their id alone.
  const states = pools.map((pool) => [pool.name.split(':', 1)[0] ?? '', stateOf(pool)]);
  return { pools: Object.fromEntries(states) as object, status, stats: ordered(stats) };
}

function stateOf({ status, members }: BeatPool): object {
  return { status, members: Object.fromEntries(members.map((each) => [each.id, each.status])) };
}

function ordered({ tx, rx, conns, totconns, ereq }: Counters): Counters {
  return { tx, rx, conns, totconns, ereq };
}

function entries(listeners: readonly BeatListener[], valueOf: (each: BeatListener) => object) {
  return Object.fromEntries(listeners.map((each) => [each.id, valueOf(each)]));
}
