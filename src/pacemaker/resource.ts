import type { PacemakerHost } from './paths.ts';
import { changeWithPacemakerTool, failureOfChange } from './tool.ts';

/**
 * Makes the cluster forget a resource's failures and probe it again (crm_resource(8), `--cleanup`).
 * @returns the output of crm_resource, without its progress
 * Faults: those of changeWithPacemakerTool.
 */
export async function cleanUp(host: PacemakerHost, name: string): Promise<string> {
  const argv = ['crm_resource', '--cleanup', '--resource', name] as const;
  const { stdout, stderr } = await changeWithPacemakerTool(host, argv);
  return (stdout === '' ? stderr : stdout).replace(progress, '');
}

/** 2.0 prints `Waiting for 2 replies from the controller.. OK`; later versions print a line `... got reply` for each. */
const progress =
  /^(?:Waiting for \d+ repl(?:y|ies) from the controller.*|\.\.\. got reply.*)(?:\n|$)/gm;

/**
 * Stops a resource and starts it again, and waits for both (crm_resource(8), `--restart`).
 * @returns whether it was running again within the timeouts of its operations
 * Faults: those of changeWithPacemakerTool.
 */
export async function restart(host: PacemakerHost, name: string): Promise<boolean> {
  const argv = ['crm_resource', '--restart', '--resource', name] as const;
  const outcome = await host.run({ argv, deadlineMs: host.changeDeadlineMs });
  // CRM_EX_TIMEOUT: it was stopped, and did not start.
  if (outcome.exitCode === 124) return false;
  if (outcome.exitCode !== 0) throw failureOfChange(argv, outcome);
  return true;
}
