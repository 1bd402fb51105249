import { setTimeout as sleep } from 'node:timers/promises';

import type { PacemakerHost } from './paths.ts';

const pauseMs = 500;

/**
 * Waits until the cluster has nothing left to do (crm_resource(8), `--wait`), even if the cluster is still starting.
 * @returns whether it became idle in time
 * Faults: those of Run.
 */
export async function waitUntilIdle(
  host: PacemakerHost,
  maxMs: number,
  now = () => performance.now(),
): Promise<boolean> {
  const endsAt = now() + maxMs;
  for (;;) {
    const seconds = Math.max(1, Math.ceil((endsAt - now()) / 1000));
    const argv = ['crm_resource', '--wait', `--timeout=${seconds}`] as const;
    // It has its own timeout; the deadline is for a process that hangs.
    const { exitCode } = await host.run({ argv, deadlineMs: (seconds + 10) * 1000 });
    if (exitCode === 0) return true;
    // 124 is CRM_EX_TIMEOUT. Most other codes mean that the cluster is not running yet.
    if (exitCode === 124 || now() + pauseMs > endsAt) return false;
    await sleep(pauseMs);
  }
}
