import { setTimeout as sleep } from 'node:timers/promises';

import type { CorosyncHost } from './paths.ts';
import { readQuorum } from './quorum.ts';

const attempts = 10;

/**
 * Makes the nodes of the partition expect no more votes than this node's file says (corosync-quorumtool(8), `-e`). A reload
 * may not be enough: corosync 3.1 keeps the last node in its map if nodes have no `nodeid`. A node whose file has more
 * nodes also raises the votes again, a moment after the reload.
 * @returns how many votes corosync expects afterwards
 * Faults: those of readQuorum and of Run.
 */
export async function lowerExpectedVotes(
  host: CorosyncHost,
  wanted: number,
  pauseMs = 300,
): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const expected = (await readQuorum(host)).votequorum.expectedVotes ?? 0;
    if (expected <= wanted || attempt > attempts) return expected;
    // The exit code is ignored, because the next reading shows the result.
    const argv = ['corosync-quorumtool', '-e', `${wanted}`] as const;
    await host.run({ argv, deadlineMs: host.changeDeadlineMs });
    await sleep(pauseMs);
  }
}
