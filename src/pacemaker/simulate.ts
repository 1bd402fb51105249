import type { PacemakerHost } from './paths.ts';
import {
  type NodeScore,
  parseScores,
  parseTransition,
  type PlannedAction,
} from '../parsers/crm-simulate.ts';
import { failureOf, refusalOf, runPacemakerTool } from './tool.ts';

/**
 * The scores by which the scheduler currently places resources (crm_simulate(8)).
 * Faults: those of runPacemakerTool.
 */
export async function readScores(host: PacemakerHost): Promise<NodeScore[]> {
  const argv = ['crm_simulate', '--live-check', '--show-scores'] as const;
  return parseScores((await runPacemakerTool(host, argv)).stdout);
}

/**
 * What the cluster would do with another CIB (crm_simulate(8)). The cluster itself does not change.
 * @param file a whole CIB, with status
 * @param outcome the file to which the resulting CIB is written
 * Faults: `cluster_refused` if the CIB is not allowed, those of failureOf and of Run.
 */
export async function simulateTransition(
  host: PacemakerHost,
  file: string,
  outcome: string,
): Promise<PlannedAction[]> {
  const files = ['--xml-file', file, '--save-output', outcome] as const;
  const argv = ['crm_simulate', '--simulate', ...files] as const;
  const result = await host.run({ argv, deadlineMs: host.readDeadlineMs });
  switch (result.exitCode) {
    case 0:
      return parseTransition(result.stdout);
    // CRM_EX_CONFIG: the CIB does not follow its schema. cibadmin would refuse it with the same code.
    case 78:
      throw refusalOf(argv, result);
    default:
      throw failureOf(argv, result);
  }
}
