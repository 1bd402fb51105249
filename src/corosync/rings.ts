import type { CorosyncHost } from './paths.ts';
import { type CorosyncLinks, parseCfgtool } from '../parsers/corosync/cfgtool.ts';
import { failureOf } from './tool.ts';

/**
 * The links to the other nodes (corosync-cfgtool(8), `-s`).
 * Faults: `cluster_not_running`, `tool_failed`, those of Run.
 */
export async function readRings({ run, readDeadlineMs }: CorosyncHost): Promise<CorosyncLinks> {
  const argv = ['corosync-cfgtool', '-s'] as const;
  const outcome = await run({ argv, deadlineMs: readDeadlineMs });
  const rings = parseCfgtool(outcome.stdout);
  // Until corosync 3.0, the exit code is also 1 if a link in the output is faulty.
  if (outcome.exitCode === 0 || rings.links.length > 0) return rings;
  throw failureOf(argv, outcome);
}
