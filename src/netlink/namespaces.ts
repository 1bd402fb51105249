import { Fault } from '../kit/fault.ts';
import { type Command, type Run, runToSuccess } from '../kit/exec.ts';

/** A network namespace by its name (ip-netns(8)), or null for that of the host itself. */
export type Namespace = string | null;

/** Milliseconds until a command of `ip` is ended. The kernel answers at once unless the machine is overloaded. */
export const ipDeadlineMs = 15_000;

/** The command as it runs in the namespace. */
export function inNamespace(namespace: Namespace, argv: Command['argv']): Command['argv'] {
  return namespace === null ? argv : ['ip', 'netns', 'exec', namespace, ...argv];
}

/**
 * Whether the namespace can be entered. Its name alone proves nothing: a killed `ip netns add` leaves a plain file.
 * Faults: `tool_failed`, those of Run
 */
export async function hasNamespace(run: Run, name: string): Promise<boolean> {
  return (await stateOf(run, name)) === 'usable';
}

/**
 * Makes the namespace unless it exists. A leftover file of its name is removed first.
 * Faults: `tool_failed`, those of Run
 */
export async function addNamespace(run: Run, name: string): Promise<void> {
  const state = await stateOf(run, name);
  if (state === 'usable') return;
  if (state === 'broken') await deleteNamespace(run, name);
  await runToSuccess(
    run,
    { argv: ['ip', 'netns', 'add', name], deadlineMs: ipDeadlineMs },
    `The network namespace ${name} could not be made. The reason of ip is in 'stderr'; the service needs CAP_SYS_ADMIN for it.`,
  );
}

/** Deletes the namespace. Physical links return to the host, virtual ones vanish. Faults: `tool_failed`, those of Run */
export async function deleteNamespace(run: Run, name: string): Promise<void> {
  await runToSuccess(
    run,
    { argv: ['ip', 'netns', 'delete', name], deadlineMs: ipDeadlineMs },
    `The network namespace ${name} could not be deleted. The reason of ip is in 'stderr'.`,
  );
}

async function stateOf(run: Run, name: string): Promise<'absent' | 'broken' | 'usable'> {
  const argv = ['ip', '-n', name, 'link', 'show', 'dev', 'lo'] as const;
  const { exitCode, stderr } = await run({ argv, deadlineMs: ipDeadlineMs });
  if (exitCode === 0) return 'usable';
  if (stderr.includes('Cannot open network namespace')) return 'absent';
  // setns(2): EINVAL for a file that is no namespace.
  if (stderr.includes('Invalid argument')) return 'broken';
  throw new Fault(
    'tool_failed',
    `The network namespace ${name} could not be entered. The reason of ip is in 'stderr'; the service needs CAP_SYS_ADMIN for it.`,
    { command: { argv, exitCode, stderr } },
  );
}
