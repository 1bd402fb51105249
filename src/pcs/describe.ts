import { runToSuccess } from '../kit/exec.ts';
import type { PcsHost } from './paths.ts';

/**
 * What `pcs resource describe` or `pcs stonith describe` prints about an agent, to the byte.
 * @param agent the full name of a resource agent, or the name of a fence agent without `stonith:`
 * Faults: `tool_failed`, those of Run.
 */
export function describeAgent(
  host: PcsHost,
  kind: 'resource' | 'stonith',
  agent: string,
): Promise<string> {
  return runToSuccess(
    host.run,
    { argv: ['pcs', kind, 'describe', agent], deadlineMs: host.readDeadlineMs },
    // pcs exits with 1 on every failure.
    `pcs cannot describe ${agent}. Mostly the agent gives no metadata because something that it needs is not installed; what pcs says is in 'stderr'.`,
  );
}
