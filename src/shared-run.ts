/**
 * One run serves all who wait.
 *
 * INVARIANTS
 * - At most one run is under way that callers can join.
 * - A caller gets the outcome of the run that is under way, or else of one that began less than
 *   `leastMs` before its call. A failure is an outcome like any other, so a broken tool is not called
 *   more often than a sound one.
 * - A value is handed out for longer while `holds` says so; a failure is not.
 * - So runs begin at least `leastMs` apart, however many call, unless `renew` is used.
 */
export interface SharedRun<T> {
  get(): Promise<T>;
  /** Begins a run now; callers from now on share this one. */
  renew(): Promise<T>;
}

/** How long an outcome is handed out. */
export interface Keeping {
  /** Milliseconds from the run's start for which any outcome is. */
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
  let latest:
    { startedAt: number; outcome: Promise<T>; end: 'none' | 'value' | 'failure' } | undefined;

  function renew(): Promise<T> {
    const startedAt = now();
    const begun: NonNullable<typeof latest> = { startedAt, outcome: run(), end: 'none' };
    latest = begun;
    begun.outcome.then(
      () => (begun.end = 'value'),
      () => (begun.end = 'failure'),
    );
    return begun.outcome;
  }

  function isUsable({ startedAt, end }: NonNullable<typeof latest>): boolean {
    return end === 'none' || now() - startedAt < leastMs || (end === 'value' && holds(startedAt));
  }

  return {
    renew,
    get: () => (latest && isUsable(latest) ? latest.outcome : renew()),
  };
}
