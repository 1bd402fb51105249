import type { Host } from '../host.ts';
import { parseTransition, type PlannedAction } from '../parsers/crm-simulate.ts';
import { runPacemakerTool } from './tool.ts';

/**
 * What the cluster would do if that were its CIB (crm_simulate(8)); it is not done.
 * @param file a whole CIB, with status
 * @param outcome where to write the CIB as it would be afterwards
 * Faults: those of runPacemakerTool.
 */
export async function simulateTransition(
  host: Host,
  file: string,
  outcome: string,
): Promise<PlannedAction[]> {
  const files = ['--xml-file', file, '--save-output', outcome] as const;
  const { stdout } = await runPacemakerTool(host, ['crm_simulate', '--simulate', ...files]);
  return parseTransition(stdout);
}
