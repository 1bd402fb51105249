import { Fault } from '../kit/fault.ts';
import type { Command, Outcome } from '../kit/exec.ts';
import type { PacemakerHost } from './paths.ts';

/**
 * Runs one of Pacemaker's tools that only read. Exit codes have the same meaning for all tools (`crm_error --exit --list`).
 * Faults: `cluster_not_running`, `tool_timeout`, `tool_failed`, those of Run.
 */
export async function runPacemakerTool(
  host: PacemakerHost,
  argv: Command['argv'],
): Promise<Outcome> {
  const outcome = await host.run({ argv, deadlineMs: host.readDeadlineMs });
  if (outcome.exitCode === 0) return outcome;
  throw failureOf(argv, outcome);
}

/**
 * Runs one of Pacemaker's tools that change something.
 * Faults: `cluster_not_running`, `tool_timeout`, `cluster_refused`, those of Run.
 */
export async function changeWithPacemakerTool(
  host: PacemakerHost,
  argv: Command['argv'],
): Promise<Outcome> {
  const outcome = await host.run({ argv, deadlineMs: host.changeDeadlineMs });
  if (outcome.exitCode === 0) return outcome;
  throw failureOfChange(argv, outcome);
}

/** @returns a fault as failureOf, but `cluster_refused` if Pacemaker answered and refused */
export function failureOfChange(argv: Command['argv'], outcome: Outcome): Fault {
  const failure = failureOf(argv, outcome);
  return failure.code === 'tool_failed' ? refusalOf(argv, outcome) : failure;
}

/** @returns a fault `cluster_refused`: the tool works, and Pacemaker refused */
export function refusalOf(argv: Command['argv'], { exitCode, stderr, stdout }: Outcome): Fault {
  return new Fault('cluster_refused', 'The cluster refused this.', {
    command: { argv, exitCode, stderr: stderr === '' ? stdout : stderr },
  });
}

/**
 * The fault for a failure of one of Pacemaker's tools.
 * @returns a fault `cluster_not_running`, `tool_timeout` or `tool_failed`
 */
export function failureOf(argv: Command['argv'], { exitCode, stderr }: Outcome): Fault {
  const command = { argv, exitCode, stderr };
  switch (exitCode) {
    // CRM_EX_DISCONNECT: no process listens on Pacemaker's socket.
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
 * Runs one of Pacemaker's tools that only read, and parses its output.
 * @param parse makes a value from the output
 * Faults: `unreadable_output` with the command, those of runPacemakerTool.
 */
export async function parseOutput<T>(
  host: PacemakerHost,
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
