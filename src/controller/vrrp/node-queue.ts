/** What became of an order. */
export interface Attempted {
  /** When the node was asked, by the clock of the queue; undefined if it was not. The next order has to wait. */
  sentAt: number | undefined;
  /** Whether the same should be tried again later. */
  isOpen: boolean;
}

/** The times of orders to one node, in milliseconds. */
export interface QueueTimes {
  /** Changes within this time are one order. */
  collectMs: number;
  /** The min time between the beginnings of two orders. */
  gapMs: number;
  /** The min time from the beginning of an order to that of the one after the next: each is a reload. */
  nextGapMs: number;
  /** The wait before the first repetition. It doubles each time. */
  firstRetryMs: number;
  maxRetryMs: number;
}

export const defaultTimes: QueueTimes = {
  collectMs: 200,
  gapMs: 1000,
  nextGapMs: 3000,
  firstRetryMs: 1000,
  maxRetryMs: 30_000,
};

/**
 * The orders to one node, one after another.
 *
 * INVARIANTS
 * - At most one attempt is under way.
 * - A caller gets the outcome of an attempt that began after the call.
 * - An attempt begins `collectMs` after the first call that waits for it, `gapMs` after the former order, and `nextGapMs`
 *   after the one before that.
 * - An attempt that is still open is repeated, also if nobody waits.
 */
export interface NodeQueue<T> {
  request(): Promise<T>;
  /** Repeats an open attempt now, without the rest of its wait. Does nothing if none is open. */
  hasten(): void;
  /** Begins no further attempt. @param outcome what callers get that wait for one, or ask for one later */
  stop(outcome: T): void;
}

/** @param attempt never fails */
export function makeNodeQueue<T extends Attempted>(
  attempt: () => Promise<T>,
  times: QueueTimes = defaultTimes,
  now = () => performance.now(),
): NodeQueue<T> {
  let waiting: ((outcome: T) => void)[] = [];
  let timer: { handle: NodeJS.Timeout; at: number } | undefined;
  let isRunning = false;
  let stopped: { outcome: T } | undefined;
  let isOpen = false;
  let [sentAt, formerlySentAt] = [-Infinity, -Infinity];
  let retryMs = times.firstRetryMs;

  function wakeAt(at: number): void {
    if (isRunning || stopped || (timer && timer.at <= at)) return;
    clearTimeout(timer?.handle);
    timer = { at, handle: setTimeout(() => void run(), Math.max(0, at - now())) };
  }

  async function run(): Promise<void> {
    timer = undefined;
    isRunning = true;
    const served = waiting;
    waiting = [];
    const outcome = await attempt();
    isRunning = false;
    isOpen = outcome.isOpen;
    if (outcome.sentAt !== undefined) [formerlySentAt, sentAt] = [sentAt, outcome.sentAt];
    for (const resolve of served) resolve(outcome);
    if (isOpen) {
      wakeAt(now() + retryMs);
      retryMs = Math.min(retryMs * 2, times.maxRetryMs);
    } else retryMs = times.firstRetryMs;
    if (waiting.length > 0) wakeForCallers();
  }

  function wakeForCallers(): void {
    wakeAt(Math.max(now() + times.collectMs, freeAt()));
  }

  /** When the next order may begin. */
  function freeAt(): number {
    return Math.max(sentAt + times.gapMs, formerlySentAt + times.nextGapMs);
  }

  return {
    request() {
      if (stopped) return Promise.resolve(stopped.outcome);
      return new Promise((resolve) => {
        waiting.push(resolve);
        // Later callers join the first one.
        if (waiting.length === 1) wakeForCallers();
      });
    },
    hasten() {
      if (!isOpen) return;
      retryMs = times.firstRetryMs;
      wakeAt(Math.max(now(), freeAt()));
    },
    stop(outcome) {
      stopped = { outcome };
      clearTimeout(timer?.handle);
      for (const resolve of waiting.splice(0)) resolve(outcome);
    },
  };
}
