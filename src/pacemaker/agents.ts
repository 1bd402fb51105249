import { Fault } from '../kit/fault.ts';
import type { PacemakerHost } from './paths.ts';
import { type AgentMetadata, parseAgentMetadata } from '../parsers/metadata.ts';
import { parseOutput, runPacemakerTool } from './tool.ts';

/**
 * The providers of OCF agents on this node (crm_resource(8)): `heartbeat`, `pacemaker` …
 * Faults: those of runPacemakerTool.
 */
export async function listOcfProviders(host: PacemakerHost): Promise<string[]> {
  return lines((await runPacemakerTool(host, ['crm_resource', '--list-ocf-providers'])).stdout);
}

/**
 * The names of a standard's agents on this node.
 * @param standard may include an OCF provider: `ocf:heartbeat`
 * Faults: those of runPacemakerTool.
 */
export async function listAgents(host: PacemakerHost, standard: string): Promise<string[]> {
  try {
    const argv = ['crm_resource', '--list-agents', standard] as const;
    return lines((await runPacemakerTool(host, argv)).stdout);
  } catch (error) {
    // The exit code is 105 (CRM_EX_NOSUCH), or 1 since Pacemaker 2.1, which may mean anything.
    const areNone =
      error instanceof Fault && error.command?.stderr.includes('No agents found') === true;
    // There are always systemd units. Pacemaker prints the same if it cannot reach systemd by D-Bus.
    if (areNone && standard !== 'systemd') return [];
    throw error;
  }
}

/**
 * The metadata of an agent (crm_resource(8), `--show-metadata`).
 * @param agent its full name: `ocf:heartbeat:Dummy`, `systemd:smbd`, `stonith:fence_ipmilan`
 * Faults: `tool_failed` if it fails or there is no such agent, those of parseOutput.
 */
export function readAgentMetadata(host: PacemakerHost, agent: string): Promise<AgentMetadata> {
  return parseOutput(host, ['crm_resource', '--show-metadata', agent], parseAgentMetadata);
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
