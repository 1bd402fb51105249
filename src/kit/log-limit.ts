/** The share of the log that one kind of event may take. */
export interface LogLimit {
  /** Milliseconds between two lines of one kind. */
  repeatAfterMs: number;
  /** The max number of kinds. Above it, all are forgotten, because callers may be able to invent kinds. */
  maxKinds?: number;
  /** A monotonic clock in milliseconds. */
  now?: () => number;
}

/** @returns whether to log an event of that kind: the first one, and another one after `repeatAfterMs` */
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
