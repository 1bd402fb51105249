/** Milliseconds. */
export interface LinkTimes {
  /** For an answer that the node has at once. */
  answerMs: number;
  /** For a report, for which the node may wait up to 5 s. */
  pollMs: number;
  /** For a report that the node has at once, and that has to confirm its last one. */
  confirmMs: number;
  /** For an order. The node tests, reloads and may go back to the former file; each takes seconds on a slow host. */
  orderMs: number;
  /** Between two questions who the node is. */
  factsMs: number;
  /** The same while it refuses our orders. */
  refusedFactsMs: number;
  /** After the first failure. It doubles up to `maxPauseMs`, within which a node that is back is seen. */
  pauseMs: number;
  maxPauseMs: number;
  /** Between two reports at least, however fast the node answers. */
  minPollMs: number;
  /** Between two attempts to renew its certificate. */
  renewMs: number;
}

export const usualTimes: LinkTimes = {
  answerMs: 5000,
  pollMs: 9000,
  confirmMs: 2000,
  orderMs: 30_000,
  factsMs: 60_000,
  refusedFactsMs: 3000,
  pauseMs: 250,
  maxPauseMs: 500,
  minPollMs: 50,
  renewMs: 3600_000,
};
