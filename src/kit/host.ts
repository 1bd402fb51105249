import type { Run } from './exec.ts';
import type { Paths } from './paths.ts';

/** The node that the agent runs on, as the domain sees it. */
export interface Host {
  run: Run;
  paths: Paths;
  /** Milliseconds until a command that reads is taken for hung. */
  readDeadlineMs: number;
  /** The same of one that changes something, or waits for the cluster to follow. */
  changeDeadlineMs: number;
}
