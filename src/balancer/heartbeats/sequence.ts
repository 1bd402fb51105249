/** Decides which heartbeats of one node count, by their numbers. */
export interface Sequence {
  /**
   * @param seq the number of a heartbeat whose signature is right
   * @param now milliseconds of a clock that only goes forward
   * @param isAlive whether the node is known to live by another way
   * @returns whether it counts
   */
  take(seq: number, now: number, isAlive: () => boolean): boolean;
}

/** Numbers that a node may use up at once, and in an interval: each change makes heartbeats of its own. */
const maxAtOnce = 64;
const maxInInterval = 16;

/**
 * Numbers go forward only, and not faster than a node makes them: what is far ahead was recorded before its agent was
 * started again. An agent that is started again begins with 0, which looks like the replay of an old heartbeat. So another
 * row of numbers counts only when two of it have come in their order, the former row has been silent for two intervals, and
 * the node is alive by what its connection says. A recorded heartbeat therefore makes no dead node alive.
 */
export function makeSequence(intervalMs: number): Sequence {
  let last: { seq: number; at: number } | undefined;
  let candidate = Infinity;

  function isNext(seq: number, now: number, isAlive: () => boolean): boolean {
    if (last === undefined) return isAlive();
    const silentMs = now - last.at;
    const maxAhead = maxAtOnce + (maxInInterval * silentMs) / intervalMs;
    if (seq > last.seq && seq - last.seq <= maxAhead) return true;
    return seq > candidate && silentMs >= 2 * intervalMs && isAlive();
  }

  return {
    take(seq, now, isAlive) {
      if (isNext(seq, now, isAlive)) {
        last = { seq, at: now };
        candidate = Infinity;
        return true;
      }
      candidate = seq;
      return false;
    },
  };
}
