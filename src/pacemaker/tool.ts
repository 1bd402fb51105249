import { Fault } from '../kit/fault.ts';
import type { Command, Outcome } from '../kit/exec.ts';
import type { Host } from '../kit/host.ts';

/**
 * Runs one of Pacemaker's own tools, one that reads, to success. Their exit codes are common to all of
 * them (`crm_error --exit --list`).
 * Faults: `cluster_not_running`, `tool_timeout`, `tool_failed`, those of Run.
 */
export async function runPacemakerTool(host: Host, argv: Command['argv']): Promise<Outcome> {
  const outcome = await host.run({ argv, deadlineMs: host.readDeadlineMs });
  if (outcome.exitCode === 0) return outcome;
  throw failureOf(argv, outcome);
}

/**
 * The same of one that changes something.
 * Faults: `cluster_not_running`, `tool_timeout`, `cluster_refused`, those of Run.
 */
export async function changeWithPacemakerTool(host: Host, argv: Command['argv']): Promise<Outcome> {
  const outcome = await host.run({ argv, deadlineMs: host.changeDeadlineMs });
  if (outcome.exitCode === 0) return outcome;
  throw failureOfChange(argv, outcome);
}

/** @returns a fault as failureOf, but `cluster_refused` where Pacemaker answered, and said no */
export function failureOfChange(argv: Command['argv'], outcome: Outcome): Fault {
  const failure = failureOf(argv, outcome);
  return failure.code === 'tool_failed' ? refusalOf(argv, outcome) : failure;
}

/** @returns a fault `cluster_refused`: the tool works, and says no */
export function refusalOf(argv: Command['argv'], { exitCode, stderr, stdout }: Outcome): Fault {
  return new Fault('cluster_refused', 'The cluster refused this.', {
    command: { argv, exitCode, stderr: stderr === '' ? stdout : stderr },
  });
}

/**
 * What it means that one of Pacemaker's own tools failed.
 * @returns a fault `cluster_not_running`, `tool_timeout` or `tool_failed`
 */
export function failureOf(argv: Command['argv'], { exitCode, stderr }: Outcome): Fault {
  const command = { argv, exitCode, stderr };
  switch (exitCode) {
    // CRM_EX_DISCONNECT: nobody listens on Pacemaker's socket.
    case 102:
      return new Fault(
        'cluster_not_running',
        "The cluster is not running on this node. Start it with 'pcs cluster start'; if it should be running, look at 'systemctl status pacemaker corosync'.",
        { command },
      );
    // CRM_EX_TIMEOUT
    case 124:
      return new Fault(
        'tool_timeout',
        `${argv[0]} waited in vain for Pacemaker. Look at 'systemctl status pacemaker' and the journal.`,
        { command },
      );
    default:
      return new Fault(
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
