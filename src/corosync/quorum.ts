import { Fault } from '../kit/fault.ts';
import type { CorosyncHost } from './paths.ts';
import { parseQuorumtool, type Quorum } from '../parsers/corosync/quorumtool.ts';
import { failureOf } from './tool.ts';

/**
 * Whether the node is in a partition with quorum, and the votes in it (corosync-quorumtool(8), `-s`). A partition without
 * quorum is not a failure.
 * Faults: `cluster_not_running`, `tool_failed`, `unreadable_output`, those of Run.
 */
export async function readQuorum({ run, readDeadlineMs }: CorosyncHost): Promise<Quorum> {
  const argv = ['corosync-quorumtool', '-s'] as const;
  const outcome = await run({ argv, deadlineMs: readDeadlineMs });
  // 0: quorate, 2: not quorate, 1: anything else, such as a cluster without a quorum provider.
  if (outcome.exitCode !== 0 && outcome.exitCode !== 2) throw failureOf(argv, outcome);
  const quorum = parseQuorumtool(outcome.stdout);
  if (quorum) return quorum;
  throw new Fault(
    'unreadable_output',
    `${argv.join(' ')} did not say whether there is quorum. Please report it with what it prints.`,
    { command: { argv, exitCode: outcome.exitCode, stderr: outcome.stderr } },
  );
}
