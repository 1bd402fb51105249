import type { CorosyncHost } from './paths.ts';
import { nodeIdsByAddress } from '../parsers/corosync/cmapctl.ts';
import { failureOf } from './tool.ts';

/**
 * The ids of the nodes of the running corosync, by their first address (corosync-cmapctl(8)).
 * Faults: `cluster_not_running`, `tool_failed`, those of Run.
 */
export async function readNodeIds({
  run,
  readDeadlineMs,
}: CorosyncHost): Promise<ReadonlyMap<string, number>> {
  const argv = ['corosync-cmapctl', 'nodelist.'] as const;
  const outcome = await run({ argv, deadlineMs: readDeadlineMs });
  // 1 also means that the map has no such key, as without a nodelist.
  if (outcome.exitCode !== 0) throw failureOf(argv, outcome);
  return nodeIdsByAddress(outcome.stdout);
}
