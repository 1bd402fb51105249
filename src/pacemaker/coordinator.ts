import type { PacemakerHost } from './paths.ts';
import { failureOf } from './tool.ts';

const answerDeadlineMs = 5000;

/**
 * Asks this node's controller which node is the coordinator, and then asks that node (crmadmin(8), `--dc_lookup`). An
 * answer shows that both controllers work.
 * Faults: `tool_timeout` if either controller does not answer, those of failureOf and of Run.
 */
export async function askCoordinator(host: PacemakerHost): Promise<void> {
  const argv = ['crmadmin', '--dc_lookup'] as const;
  const deadlineMs = Math.min(answerDeadlineMs, host.readDeadlineMs);
  const outcome = await host.run({ argv, deadlineMs });
  if (outcome.exitCode !== 0) throw failureOf(argv, outcome);
}
