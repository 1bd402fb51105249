import { Fault } from '../kit/fault.ts';
import type { Command, Outcome } from '../kit/exec.ts';

/**
 * The fault for a failure of one of corosync's tools. They exit with 1 on every failure. Only their message shows whether
 * corosync did not answer.
 * @returns a fault `cluster_not_running` or `tool_failed`
 */
export function failureOf(argv: Command['argv'], { exitCode, stderr }: Outcome): Fault {
  const command = { argv, exitCode, stderr };
  return /^(?:Could not initialize|Cannot initiali[sz]e) /m.test(stderr)
    ? new Fault(
        'cluster_not_running',
        "Corosync is not running on this node. Start the cluster with 'pcs cluster start'; if it should be running, look at 'systemctl status corosync' and the journal.",
        { command },
      )
    : new Fault(
        'tool_failed',
        `${argv[0]} ended with exit code ${exitCode}. Its own message is in 'stderr'; see also 'systemctl status corosync', and whether corosync.conf names a quorum provider.`,
        { command },
      );
}
