import * as z from 'zod';

/** What a listener has counted. `conns` is the number of open connections; the others grow. */
export interface BeatCounters {
  tx: number;
  rx: number;
  conns: number;
  totconns: number;
  ereq: number;
}

export interface BeatPool {
  status: string;
  /** What haproxy says of each member, such as `UP 1/3`. */
  members: ReadonlyMap<string, string>;
}

/** A heartbeat, whatever its version was. */
export interface Beat {
  /** The id of the amphora. */
  amphora: string;
  seq: number;
  /** Whether the counters are differences since the heartbeat before. Otherwise they are totals of the process. */
  hasDifferences: boolean;
  listeners: ReadonlyMap<string, { status: string; counters: BeatCounters }>;
  /** By the id of the pool: one for each listener that uses it. */
  pools: ReadonlyMap<string, readonly BeatPool[]>;
}

const maxItems = 20_000;
const id = z.string().min(1).max(64);
const status = z.string().max(64);
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).catch(0);
const stats = z.object({ tx: count, rx: count, conns: count, totconns: count, ereq: count });
const bounded = <T extends z.ZodType>(value: T, key = id) =>
  z
    .record(key, value)
    .refine((all) => Object.keys(all).length <= maxItems, { message: 'too many' });
const pool = z.object({ status, members: bounded(status).default({}) });
const pools = bounded(pool, z.string().min(1).max(130)).default({});
const schema = z.object({
  id,
  seq: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  ver: z.number().int().optional(),
  listeners: bounded(z.object({ status, stats, pools })),
  pools,
});

/**
 * Reads a heartbeat. Version 1, and that of agents which name none, has the pools below their listeners. Versions 2 and 3
 * have them beside, as `POOL:LISTENER`. Version 3 has differences in place of totals (octavia, health_daemon.py).
 * @returns undefined if it is none, or of another version
 */
export function readBeat(payload: string): Beat | undefined {
  let json: unknown;
  try {
    json = JSON.parse(payload);
  } catch {
    return undefined;
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) return undefined;
  const { ver = 1, seq, listeners } = parsed.data;
  if (ver < 1 || ver > 3) return undefined;
  const all = [
    ...Object.entries(parsed.data.pools),
    ...Object.values(listeners).flatMap((each) => Object.entries(each.pools)),
  ];
  const byPool = new Map<string, BeatPool[]>();
  for (const [name, { status: said, members }] of all) {
    const [key = name] = name.split(':', 1);
    const found = byPool.get(key) ?? [];
    found.push({ status: said, members: new Map(Object.entries(members)) });
    byPool.set(key, found);
  }
  return {
    amphora: parsed.data.id,
    seq,
    hasDifferences: ver === 3,
    listeners: new Map(
      Object.entries(listeners).map(([key, { status: said, stats: counters }]) => [
        key,
        { status: said, counters },
      ]),
    ),
    pools: byPool,
  };
}
