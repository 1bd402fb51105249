import { Fault } from '../kit/fault.ts';
import type { Host } from '../kit/host.ts';

/**
 * Stops the cluster on this node and removes its configuration (`pcs cluster destroy`).
 * Faults: `cluster_refused`, those of Run.
 */
export async function destroyCluster({ run, changeDeadlineMs }: Host): Promise<void> {
  // 0.11 and 0.12 ask for confirmation only on a terminal.
  const argv = ['pcs', 'cluster', 'destroy'] as const;
  const { exitCode, stdout, stderr } = await run({ argv, deadlineMs: changeDeadlineMs });
  if (exitCode === 0) return;
  throw new Fault(
    'cluster_refused',
    "pcs could not destroy the cluster on this node completely. Its own message is in 'stderr'. Try again: it continues where it stopped.",
    { command: { argv, exitCode, stderr: stderr === '' ? stdout : stderr } },
  );
}
