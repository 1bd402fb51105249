/**
 * One run serves all who wait.
 *
 * INVARIANTS
 * - At most one run is under way that callers can join.
 * - A caller gets the outcome of the run that is under way, or else of one that ended less than
 *   `leastMs` before its call. A failure is an outcome like any other, so a broken tool is not called
 *   more often than a sound one.
 * - A value is handed out for longer while `holds` says so; a failure is not.
 * - So between two runs there is a pause of at least `leastMs`, however many call, unless `renew` is used.
 */
export interface SharedRun<T> {
  get(): Promise<T>;
  /** Begins a run now; callers from now on share this one. */
  renew(): Promise<T>;
  /** The next who asks begins a run, and joins none that began before. */
  forget(): void;
}

/** How long an outcome is handed out. */
export interface Keeping {
  /** Milliseconds from the run's end for which any outcome is. */
  leastMs: number;
  /** Whether the value of a run that began then (by `now`) still is, after that. */
  holds?: (startedAt: number) => boolean;
  /** A monotonic clock in milliseconds. */
  now?: () => number;
}

/** @param run makes a fresh value */
export function shareRuns<T>(
  run: () => Promise<T>,
  { leastMs, holds = () => false, now = () => performance.now() }: Keeping,
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
    if (ended === undefined || now() - ended.at < leastMs) return true;
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
