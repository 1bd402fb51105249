import type { Run } from './exec.ts';
import type { Paths } from './paths.ts';

/** The node that the agent runs on, as the domain sees it. */
export interface Host {
  run: Run;
  paths: Paths;
  /** Milliseconds until a command that only reads is ended. */
  readDeadlineMs: number;
  /** Milliseconds until a command that changes something, or waits for the cluster to follow, is ended. */
  changeDeadlineMs: number;
}
