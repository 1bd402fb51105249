import type { CorosyncHost } from './paths.ts';
import { failureOf } from './tool.ts';

/**
 * Makes corosync reload its configuration on all nodes of the partition (corosync-cfgtool(8), `-R`). Does nothing if
 * corosync does not run.
 * Faults: `tool_failed`, those of Run.
 */
export async function reloadCorosync({ run, changeDeadlineMs }: CorosyncHost): Promise<void> {
  const argv = ['corosync-cfgtool', '-R'] as const;
  const outcome = await run({ argv, deadlineMs: changeDeadlineMs });
  if (outcome.exitCode === 0) return;
  const failure = failureOf(argv, outcome);
  if (failure.code !== 'cluster_not_running') throw failure;
}
