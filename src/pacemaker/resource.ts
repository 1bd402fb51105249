import type { Host } from '../host.ts';
import { changeWithPacemakerTool } from './tool.ts';

/**
 * Lets the cluster forget what failed of a resource, and look at it anew (crm_resource(8), `--cleanup`).
 * @returns what it prints
 * Faults: those of changeWithPacemakerTool.
 */
export async function cleanUp(host: Host, name: string): Promise<string> {
  const argv = ['crm_resource', '--cleanup', '--resource', name] as const;
  const { stdout, stderr } = await changeWithPacemakerTool(host, argv);
  return stdout === '' ? stderr : stdout;
}

/**
 * Stops a resource and starts it again, and waits for both (crm_resource(8), `--restart`).
 * Faults: those of changeWithPacemakerTool.
 */
export async function restart(host: Host, name: string): Promise<void> {
  await changeWithPacemakerTool(host, ['crm_resource', '--restart', '--resource', name]);
}
