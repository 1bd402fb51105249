/** What events of one kind may add to the log. */
export interface LogLimit {
  /** Milliseconds between two lines of one kind. */
  repeatAfterMs: number;
  /** How many kinds are remembered. With one more all are forgotten: callers may be able to make kinds up. */
  maxKinds?: number;
  /** A monotonic clock in milliseconds. */
  now?: () => number;
}

/** @returns whether an event of that kind is to be logged: the first one is, and again one after `repeatAfterMs` */
export function makeLogLimit({
  repeatAfterMs,
  maxKinds = 1000,
  now = () => performance.now(),
}: LogLimit): (kind: string) => boolean {
  const loggedAt = new Map<string, number>();
  return (kind) => {
    if (now() - (loggedAt.get(kind) ?? -Infinity) < repeatAfterMs) return false;
    if (loggedAt.size >= maxKinds) loggedAt.clear();
    loggedAt.set(kind, now());
    return true;
  };
}
