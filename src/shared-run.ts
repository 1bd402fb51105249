/**
 * One run serves all who wait.
 *
 * INVARIANTS
 * - At most one run is under way that callers can join.
 * - A caller gets the outcome of the run that is under way, or else of one that began less than
 *   `keepMs` before its call. A failure is an outcome like any other, so a broken tool is not called
 *   more often than a sound one.
 * - So runs begin at least `keepMs` apart, however many call, unless `renew` is used.
 */
export interface SharedRun<T> {
  get(): Promise<T>;
  /** Begins a run now; callers from now on share this one. */
  renew(): Promise<T>;
}

/**
 * @param run makes a fresh value
 * @param keepMs how old, in milliseconds from the run's start, a value may be handed out
 * @param now a monotonic clock in milliseconds
 */
export function shareRuns<T>(
  run: () => Promise<T>,
  keepMs: number,
  now: () => number = () => performance.now(),
): SharedRun<T> {
  let latest: { startedAt: number; outcome: Promise<T>; done: boolean } | undefined;

  function renew(): Promise<T> {
    const outcome = run();
    const begun = { startedAt: now(), outcome, done: false };
    latest = begun;
    const finish = () => {
      begun.done = true;
    };
    outcome.then(finish, finish);
    return outcome;
  }

  return {
    renew,
    get() {
      const usable = latest !== undefined && (!latest.done || now() - latest.startedAt < keepMs);
      return usable && latest ? latest.outcome : renew();
    },
  };
}
