/**
 * One run serves all callers that wait.
 *
 * INVARIANTS
 * - At most one run is under way that callers can join.
 * - A caller gets the outcome of the run that is under way, or of one that ended less than `reuseMs` before the call.
 *   Failures are reused too, so a broken tool is not called more often than a working one.
 * - A value is reused for longer while `holds` says so; a failure is not.
 * - So there is a pause of at least `reuseMs` between two runs, however many callers there are, unless `renew` is used.
 */
export interface SharedRun<T> {
  get(): Promise<T>;
  /** Begins a run now; later callers share this one. */
  renew(): Promise<T>;
  /** The next caller begins a run instead of joining an earlier one. */
  forget(): void;
}

/** How long an outcome is reused. */
export interface ReusePolicy {
  /** Milliseconds after the run's end for which any outcome is reused. */
  reuseMs: number;
  /** Whether the value of a run that began then (by `now`) is reused after that. */
  holds?: (startedAt: number) => boolean;
  /** A monotonic clock in milliseconds. */
  now?: () => number;
}

/** @param run makes a fresh value */
export function shareRuns<T>(
  run: () => Promise<T>,
  { reuseMs, holds = () => false, now = () => performance.now() }: ReusePolicy,
): SharedRun<T> {
  let latest: Latest<T> | undefined;

  function renew(): Promise<T> {
    const begun: Latest<T> = { startedAt: now(), outcome: run(), ended: undefined };
    latest = begun;
    const end = (how: 'value' | 'failure') => () => {
      begun.ended = { how, at: now() };
    };
    begun.outcome.then(end('value'), end('failure'));
    return begun.outcome;
  }

  function isUsable({ startedAt, ended }: Latest<T>): boolean {
    if (ended === undefined || now() - ended.at < reuseMs) return true;
    return ended.how === 'value' && holds(startedAt);
  }

  return {
    renew,
    forget: () => {
      latest = undefined;
    },
    get: () => (latest && isUsable(latest) ? latest.outcome : renew()),
  };
}

interface Latest<T> {
  startedAt: number;
  outcome: Promise<T>;
  ended: { how: 'value' | 'failure'; at: number } | undefined;
}
