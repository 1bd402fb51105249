import type { Host } from '../kit/host.ts';
import { changeWithPacemakerTool, failureOfChange } from './tool.ts';

/**
 * Lets the cluster forget what failed of a resource, and look at it again (crm_resource(8), `--cleanup`).
 * @returns what it prints, without its progress
 * Faults: those of changeWithPacemakerTool.
 */
export async function cleanUp(host: Host, name: string): Promise<string> {
  const argv = ['crm_resource', '--cleanup', '--resource', name] as const;
  const { stdout, stderr } = await changeWithPacemakerTool(host, argv);
  return (stdout === '' ? stderr : stdout).replace(progress, '');
}

/** 2.0: `Waiting for 2 replies from the controller.. OK`; later `... got reply` for each, on a line of its own. */
const progress =
  /^(?:Waiting for \d+ repl(?:y|ies) from the controller.*|\.\.\. got reply.*)(?:\n|$)/gm;

/**
 * Stops a resource and starts it again, and waits for both (crm_resource(8), `--restart`).
 * @returns whether it came to run again in the time that its operations may take
 * Faults: those of changeWithPacemakerTool.
 */
export async function restart(host: Host, name: string): Promise<boolean> {
  const argv = ['crm_resource', '--restart', '--resource', name] as const;
  const outcome = await host.run({ argv, deadlineMs: host.changeDeadlineMs });
  // CRM_EX_TIMEOUT: it was stopped, and did not start.
  if (outcome.exitCode === 124) return false;
  if (outcome.exitCode !== 0) throw failureOfChange(argv, outcome);
  return true;
}
