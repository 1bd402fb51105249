import { Fault } from '../errors.ts';
import type { Command, Outcome } from '../exec.ts';
import type { Host } from '../host.ts';

/**
 * Runs one of Pacemaker's own tools, one that reads, to success. Their exit codes are common to all of them
 * (`crm_error --exit --list`).
 * Faults: `cluster_not_running`, `command_failed`, those of Run.
 */
export async function runPacemakerTool(host: Host, argv: Command['argv']): Promise<Outcome> {
  const outcome = await host.run({ argv, deadlineMs: host.readDeadlineMs });
  const { exitCode, stderr } = outcome;
  if (exitCode === 0) return outcome;
  const report = { argv, exitCode, stderr };
  // 102 is CRM_EX_DISCONNECT: nobody listens on Pacemaker's socket.
  if (exitCode === 102) {
    throw new Fault(
      'cluster_not_running',
      "The cluster is not running on this node. Start it with 'pcs cluster start'; if it should be running, look at 'systemctl status pacemaker corosync'.",
      { command: report },
    );
  }
  throw new Fault(
    'command_failed',
    `${argv[0]} ended with exit code ${exitCode}. Its own message is in 'stderr'; 'crm_error --exit ${exitCode}' names the code.`,
    { command: report },
  );
}
