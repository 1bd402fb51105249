import type { Run } from './exec.ts';

/** The node of the agent, as the domain sees it. `Paths` are the files that a room of the domain uses. */
export interface Host<Paths = unknown> {
  run: Run;
  paths: Paths;
  /** Milliseconds until a command that only reads is ended. */
  readDeadlineMs: number;
  /** Milliseconds until a command that changes something, or waits for the cluster to follow, is ended. */
  changeDeadlineMs: number;
}
