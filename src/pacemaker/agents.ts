import { Fault } from '../errors.ts';
import type { Host } from '../host.ts';
import { runPacemakerTool } from './tool.ts';

/**
 * The standards of which this node has agents (crm_resource(8)): `ocf`, `lsb`, `systemd`, `stonith` …
 * Faults: those of runPacemakerTool.
 */
export async function listStandards(host: Host): Promise<string[]> {
  return lines((await runPacemakerTool(host, ['crm_resource', '--list-standards'])).stdout);
}

/**
 * The providers of OCF agents: `heartbeat`, `pacemaker` …
 * Faults: those of runPacemakerTool.
 */
export async function listOcfProviders(host: Host): Promise<string[]> {
  return lines((await runPacemakerTool(host, ['crm_resource', '--list-ocf-providers'])).stdout);
}

/**
 * The names of a standard's agents, as Pacemaker lists them: `service` has some twice.
 * @param standard also with an OCF provider: `ocf:heartbeat`
 * Faults: those of runPacemakerTool.
 */
export async function listAgents(host: Host, standard: string): Promise<string[]> {
  try {
    const argv = ['crm_resource', '--list-agents', standard] as const;
    return lines((await runPacemakerTool(host, argv)).stdout);
  } catch (error) {
    // The exit code is 105 (CRM_EX_NOSUCH) or, since Pacemaker 2.1, 1, which may mean anything.
    if (error instanceof Fault && error.command?.stderr.includes('No agents found')) return [];
    throw error;
  }
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
