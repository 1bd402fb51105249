import { setTimeout as pause } from 'node:timers/promises';

import type { CliSession } from '../../haproxy/cli-session.ts';
import { makeSerializer } from '../../kit/concurrency/serialize.ts';
import { systemErrorCode } from '../../kit/fault.ts';
import { makeStatsReader, parseStats, type Stats } from '../../parsers/haproxy/stats.ts';
import type { OwnerCounters, WorkerReading } from './counters.ts';
import type { BeatPool, Counters } from './payload.ts';

export interface CounterReaderParts {
  /** The stats socket of an owner. */
  socketOf: (owner: string) => string;
  /** The socket of an owner's master process (`-S`). */
  masterOf: (owner: string) => string;
  openSession: (path: string) => Promise<CliSession>;
  /** One command to a socket, whose answer ends with the connection; undefined if there is none. */
  ask: (path: string, command: string) => Promise<string | undefined>;
  /** When a process began; undefined if it does not exist. */
  startOf: (pid: number) => Promise<string | undefined>;
}

export interface CounterReader {
  /**
   * Reads the workers of these owners, side by side. It never rejects.
   * @param onRead is called for each reading, and for those of one owner in the order in which they were made
   */
  read(
    owners: readonly string[],
    onRead: (reading: OwnerCounters) => void,
  ): Promise<readonly OwnerCounters[]>;
  /** The owners that have a worker that a reload left. */
  leaving(): readonly string[];
  /** Forgets owners that are gone, and lets their workers end. */
  keepOnly(owners: ReadonlySet<string>): void;
  close(): void;
}

/** How long a heartbeat waits for the next worker in a reload, in milliseconds. */
const maxSwapMs = 1000;
const swapPauseMs = 20;

/** A worker that a session holds. */
interface Held {
  session: CliSession;
  pid: number;
  worker: string;
  isLeaving: boolean;
}

interface Known {
  held: Held[];
  /** Workers that a reload before this agent's start left. The master knows them, no session holds them. */
  others: { pid: number; worker: string }[] | undefined;
  serialize: ReturnType<typeof makeSerializer>;
}

/** The frontends of the metrics, which are no listeners. */
const ofMetrics = 'prometheus-exporter-internal';

/**
 * Reads the counters of haproxy's workers.
 *
 * haproxy counts the bytes of a connection when it ends, and a leaving worker ends with its last connection (measured on
 * 2.6). So nobody could read what the last one carried. A session on a worker's command line keeps it from ending. It is
 * closed after a reading that found no connection, or by haproxy itself if the agent hangs.
 */
export function makeCounterReader(parts: CounterReaderParts): CounterReader {
  const all = new Map<string, Known>();

  async function readOwner(owner: string): Promise<OwnerCounters> {
    const known = knownOf(all, owner);
    const found: Found[] = [];
    for (const held of known.held) found.push({ held, reading: await readingOf(held) });
    const state = found.some(isCurrent) ? 'serves' : await findCurrent(parts, owner, known, found);
    const workers = found.map(({ held: { worker }, reading }) => ({
      worker,
      rows: reading && rowsOf(reading.stats),
    }));
    release(known, found);
    const others = await readOthers(parts, owner, known);
    const current = found.find(isCurrent);
    return {
      owner,
      state,
      current: current?.held.worker,
      workers: once([...workers, ...others]),
      listeners: current?.reading ? listenersOf(current.reading.stats) : [],
    };
  }

  return {
    read: (owners, onRead) =>
      Promise.all(
        owners.map((owner) =>
          knownOf(all, owner).serialize(async () => {
            const reading = await readOwner(owner);
            onRead(reading);
            return reading;
          }),
        ),
      ),
    leaving: () =>
      [...all].flatMap(([owner, { held }]) => (held.some((each) => each.isLeaving) ? [owner] : [])),
    keepOnly: (owners) => {
      for (const [owner, { held }] of all) {
        if (owners.has(owner)) continue;
        for (const { session } of held) session.close();
        all.delete(owner);
      }
    },
    close: () => {
      for (const { held } of all.values()) for (const { session } of held) session.close();
      all.clear();
    },
  };
}

/** A worker and what it said; nothing if it gave no answer. */
interface Found {
  held: Held;
  reading: Reading | undefined;
}

function isCurrent({ held, reading }: Found): boolean {
  return reading !== undefined && !held.isLeaving;
}

/**
 * Finds the current worker, and holds it. While a reload is under way, the worker that is replaced may take the connection,
 * or drop it. Then the next one is a moment away, and without it a heartbeat would have no listener.
 */
async function findCurrent(
  parts: CounterReaderParts,
  owner: string,
  known: Known,
  found: Found[],
): Promise<OwnerCounters['state']> {
  const startedAt = performance.now();
  for (;;) {
    const opened = await open(parts, owner);
    if (opened === 'stopped') return 'stopped';
    if (opened !== 'silent') {
      const reading = await readingOf(opened);
      const isHeld = known.held.some(
        ({ worker, session }) => worker === opened.worker && session.isOpen(),
      );
      if (isHeld) opened.session.close();
      else {
        known.held.push(opened);
        found.push({ held: opened, reading });
        if (found.some(isCurrent)) return 'serves';
      }
    }
    // A process that hangs uses up the time with its first answer.
    if (performance.now() - startedAt > maxSwapMs) return 'silent';
    await pause(swapPauseMs);
  }
}

/** Lets workers end that have no connection any more. One whose session was lost is asked by its master. */
function release(known: Known, found: readonly Found[]): void {
  for (const { held, reading } of found) {
    if (held.session.isOpen() && !reading?.isDone) continue;
    held.session.close();
    known.held = known.held.filter((each) => each !== held);
    if (!reading?.isDone) known.others?.push(held);
  }
}

interface Reading {
  stats: Stats;
  /** Nothing comes any more, and this was the last reading. */
  isDone: boolean;
}

function knownOf(all: Map<string, Known>, owner: string): Known {
  const known = all.get(owner) ?? { held: [], others: undefined, serialize: makeSerializer() };
  all.set(owner, known);
  return known;
}

async function open(
  { openSession, socketOf, startOf }: CounterReaderParts,
  owner: string,
): Promise<Held | 'stopped' | 'silent'> {
  try {
    const session = await openSession(socketOf(owner));
    const pid = Number(/^Pid: (\d+)$/m.exec(await session.ask('show info'))?.[1]);
    const start = await startOf(pid);
    if (start !== undefined) return { session, pid, worker: `${pid}/${start}`, isLeaving: false };
    session.close();
    return 'silent';
  } catch (error) {
    return ['ENOENT', 'ECONNREFUSED'].includes(systemErrorCode(error) ?? '') ? 'stopped' : 'silent';
  }
}

/** Undefined if the worker gives no answer. */
async function readingOf(held: Held): Promise<Reading | undefined> {
  try {
    if (!held.isLeaving) {
      const stats = await statsOf(held);
      // The frontends of a worker that leaves are stopped. Only then it is asked whether it still has connections.
      const isServing = stats.frontends.some(({ status }) => status !== 'STOP');
      if (isServing) return { stats, isDone: false };
    }
    // The number of connections comes first: what is counted after it was 0 is complete.
    const info = await held.session.ask('show info');
    held.isLeaving = /^Stopping: 1$/m.test(info);
    const isDone = held.isLeaving && /^CurrConns: 0$/m.test(info);
    return { stats: await statsOf(held), isDone };
  } catch {
    return undefined;
  }
}

async function statsOf({ session }: Held): Promise<Stats> {
  const reader = makeStatsReader();
  await session.read('show stat', (piece) => {
    reader.add(piece);
  });
  return reader.stats();
}

/** Readings of workers that no session holds, by their master. */
async function readOthers(
  { ask, masterOf, startOf }: CounterReaderParts,
  owner: string,
  known: Known,
): Promise<WorkerReading[]> {
  const master = masterOf(owner);
  // Without a master's socket there is nothing to ask.
  known.others ??= await oldWorkers((await ask(master, 'show proc')) ?? '', startOf);
  const readings: WorkerReading[] = [];
  for (const { pid, worker } of [...known.others]) {
    const isThere = `${pid}/${(await startOf(pid)) ?? ''}` === worker;
    if (!isThere || known.held.some((each) => each.worker === worker)) {
      known.others = known.others.filter((each) => each.worker !== worker);
      continue;
    }
    const csv = await ask(master, `@!${pid} show stat`);
    readings.push({ worker, rows: csv?.startsWith('#') ? rowsOf(parseStats(csv)) : undefined });
  }
  return readings;
}

/** The rows of `show proc` below `# old workers`: process id, type, number of reloads (management.txt, section 9.4). */
async function oldWorkers(
  text: string,
  startOf: CounterReaderParts['startOf'],
): Promise<{ pid: number; worker: string }[]> {
  const [, rows = ''] = text.split('# old workers');
  const pids = [...rows.matchAll(/^(\d+)\s+worker\s/gm)].map(([, pid]) => Number(pid));
  return Promise.all(
    pids.map(async (pid) => ({ pid, worker: `${pid}/${(await startOf(pid)) ?? ''}` })),
  );
}

function rowsOf({ frontends }: Stats): ReadonlyMap<string, Counters> {
  const own = frontends.filter(({ name }) => !name.startsWith(ofMetrics));
  return new Map(
    own.map((row) => [
      row.name,
      {
        tx: row.bytesOut,
        rx: row.bytesIn,
        conns: row.connections,
        totconns: row.totalConnections,
        ereq: row.requestErrors,
      },
    ]),
  );
}

/** A backend `POOL:LISTENER` is the listener's; another one is that of the only listener. */
function listenersOf({ frontends, backends }: Stats): OwnerCounters['listeners'] {
  const own = frontends.filter(({ name }) => !name.startsWith(ofMetrics));
  const [first] = own;
  const listenerOf = (pool: string) => pool.split(':', 2)[1] ?? first?.name;
  const pools = backends.filter(({ name }) => !name.startsWith(ofMetrics));
  const poolsBy = new Map(own.map(({ name }) => [name, [] as BeatPool[]]));
  for (const { name, status, servers } of pools) {
    const members = servers.map((server) => ({ id: server.name, status: server.status }));
    poolsBy.get(listenerOf(name) ?? '')?.push({ name, status, members });
  }
  return own.map(({ name, status }) => ({
    id: name,
    status,
    pools: poolsBy.get(name) ?? [],
  }));
}

/** Each worker once: the same one may be found by two ways. */
function once(workers: readonly WorkerReading[]): readonly WorkerReading[] {
  return [...new Map(workers.map((each) => [each.worker, each])).values()];
}
