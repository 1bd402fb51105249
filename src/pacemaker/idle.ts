import { setTimeout as sleep } from 'node:timers/promises';

import type { Host } from '../kit/host.ts';

const pauseMs = 500;

/**
 * Waits until the cluster has nothing left to do (crm_resource(8), `--wait`); one that is being started is
 * waited for as well.
 * @returns whether it came to that in time
 * Faults: those of Run.
 */
export async function waitUntilIdle(
  host: Host,
  longestMs: number,
  now = () => performance.now(),
): Promise<boolean> {
  const endsAt = now() + longestMs;
  for (;;) {
    const seconds = Math.max(1, Math.ceil((endsAt - now()) / 1000));
    const argv = ['crm_resource', '--wait', `--timeout=${seconds}`] as const;
    // It keeps its own time; the deadline is for one that hangs.
    const { exitCode } = await host.run({ argv, deadlineMs: (seconds + 10) * 1000 });
    if (exitCode === 0) return true;
    // Most other codes say that the cluster is not up yet; 124, CRM_EX_TIMEOUT, that time is over.
    if (exitCode === 124 || now() + pauseMs > endsAt) return false;
    await sleep(pauseMs);
  }
}
