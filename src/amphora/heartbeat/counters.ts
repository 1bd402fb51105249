import type { BeatPool, Counters } from './payload.ts';

/** What one worker of haproxy has counted. */
export interface WorkerReading {
  /** Its process id and start, so that a worker is never taken for another one. */
  worker: string;
  /** Counters of each listener; undefined if the worker lives and gave no answer. */
  rows: ReadonlyMap<string, Counters> | undefined;
}

/** What the workers of one owner say: the current one, and those that a reload left with their last connections. */
export interface OwnerCounters {
  owner: string;
  /** `silent`: it runs and its current worker gave no answer. */
  state: 'serves' | 'stopped' | 'silent';
  /** The worker that takes new connections; undefined unless the owner serves. */
  current: string | undefined;
  /** All workers that live. */
  workers: readonly WorkerReading[];
  /** The listeners of the current worker, in the order of haproxy; empty unless it serves. */
  listeners: readonly { id: string; status: string; pools: readonly BeatPool[] }[];
}

/** tx, rx, totconns, ereq */
export type Sums = readonly [tx: number, rx: number, totconns: number, ereq: number];

/** What has to survive the agent: by owner, worker and listener what was counted so far, and by owner and listener what is not reported yet. */
export interface CounterState {
  seen: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, Sums>>>>>>;
  pending: Readonly<Record<string, Readonly<Record<string, Sums>>>>;
}

export const noCounters: CounterState = { seen: {}, pending: {} };

const zero: Sums = [0, 0, 0, 0];

/**
 * Adds what was counted since the previous reading of the owner.
 *
 * INVARIANTS
 * - What a worker counted is added once, however often it is read, and whether it is current or leaving.
 * - A worker that was not seen before counts from 0, as does a counter that went back.
 * - A worker that gives no answer is remembered, until it is known to have ended.
 */
export function withReading(
  { seen, pending }: CounterState,
  { owner, state, workers }: OwnerCounters,
): CounterState {
  const before = seen[owner] ?? {};
  const after = new Map(state === 'silent' ? Object.entries(before) : []);
  const sums = new Map(Object.entries(pending[owner] ?? {}));
  for (const { worker, rows } of workers) {
    const last = before[worker] ?? {};
    const now = rows && Object.fromEntries([...rows].map(([id, row]) => [id, sumsOf(row)]));
    after.set(worker, now ?? last);
    for (const [id, sum] of Object.entries(now ?? {})) {
      sums.set(id, plus(sums.get(id) ?? zero, since(last[id] ?? zero, sum)));
    }
  }
  return {
    seen: { ...seen, [owner]: Object.fromEntries(after) },
    pending: { ...pending, [owner]: Object.fromEntries(sums) },
  };
}

/** Forgets owners that are gone. */
export function withoutOthers(state: CounterState, owners: ReadonlySet<string>): CounterState {
  const present = <T>(each: Readonly<Record<string, T>>) =>
    Object.fromEntries(Object.entries(each).filter(([owner]) => owners.has(owner)));
  return { seen: present(state.seen), pending: present(state.pending) };
}

/** The state after a message that reports these listeners. Sums of listeners that are gone are dropped. */
export function withReported(
  state: CounterState,
  reported: readonly OwnerCounters[],
): CounterState {
  const pending = new Map(Object.entries(state.pending));
  for (const { owner, state: how } of reported) if (how === 'serves') pending.delete(owner);
  return { ...state, pending: Object.fromEntries(pending) };
}

/** The state after the message could not be sent: what it reported is in the next one. */
export function withUnsent(
  state: CounterState,
  before: CounterState,
  after: CounterState,
): CounterState {
  const pending = new Map(Object.entries(state.pending));
  for (const [owner, reported] of Object.entries(before.pending)) {
    if (owner in after.pending) continue;
    const sums = new Map(Object.entries(pending.get(owner) ?? {}));
    for (const [id, sum] of Object.entries(reported)) {
      sums.set(id, plus(sums.get(id) ?? zero, sum));
    }
    pending.set(owner, Object.fromEntries(sums));
  }
  return { ...state, pending: Object.fromEntries(pending) };
}

/** The differences of a listener that are not reported yet. */
export function differencesOf(state: CounterState, owner: string, listener: string): Sums {
  return state.pending[owner]?.[listener] ?? zero;
}

function sumsOf({ tx, rx, totconns, ereq }: Counters): Sums {
  return [tx, rx, totconns, ereq];
}

function plus(a: Sums, b: Sums): Sums {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]];
}

function since(last: Sums, now: Sums): Sums {
  return [
    step(last[0], now[0]),
    step(last[1], now[1]),
    step(last[2], now[2]),
    step(last[3], now[3]),
  ];
}

function step(last: number, now: number): number {
  return now < last ? now : now - last;
}
