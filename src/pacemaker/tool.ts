import { Fault } from '../errors.ts';
import type { Command, Outcome } from '../exec.ts';
import type { Host } from '../host.ts';

/**
 * Runs one of Pacemaker's own tools, one that reads, to success. Their exit codes are common to all of
 * them (`crm_error --exit --list`).
 * Faults: `cluster_not_running`, `tool_timeout`, `tool_failed`, those of Run.
 */
export async function runPacemakerTool(host: Host, argv: Command['argv']): Promise<Outcome> {
  const outcome = await host.run({ argv, deadlineMs: host.readDeadlineMs });
  const { exitCode, stderr } = outcome;
  const command = { argv, exitCode, stderr };
  switch (exitCode) {
    case 0:
      return outcome;
    // CRM_EX_DISCONNECT: nobody listens on Pacemaker's socket.
    case 102:
      throw new Fault(
        'cluster_not_running',
        "The cluster is not running on this node. Start it with 'pcs cluster start'; if it should be running, look at 'systemctl status pacemaker corosync'.",
        { command },
      );
    // CRM_EX_TIMEOUT
    case 124:
      throw new Fault(
        'tool_timeout',
        `${argv[0]} waited in vain for Pacemaker. Look at 'systemctl status pacemaker' and the journal.`,
        { command },
      );
    default:
      throw new Fault(
        'tool_failed',
        `${argv[0]} ended with exit code ${exitCode}. Its own message is in 'stderr'; 'crm_error --exit ${exitCode}' names the code.`,
        { command },
      );
  }
}

/**
 * The same for a tool that prints XML.
 * @param parse makes a value of the output
 * Faults: `unreadable_output` with the command, those of runPacemakerTool.
 */
export async function parseOutput<T>(
  host: Host,
  argv: Command['argv'],
  parse: (stdout: string) => T,
): Promise<T> {
  const { stdout, stderr } = await runPacemakerTool(host, argv);
  try {
    return parse(stdout);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new Fault(error.code, error.message, { command: { argv, exitCode: 0, stderr } });
  }
}
