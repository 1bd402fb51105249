import { setTimeout as sleep } from 'node:timers/promises';

import type { Host } from '../kit/host.ts';
import { readQuorum } from './quorum.ts';

const attempts = 10;

/**
 * Has the nodes that are together expect no more votes than this node's file gives them (corosync-quorumtool(8), `-e`). A
 * reload alone may not do it: corosync 3.1 keeps the last node in its map where nodes have no `nodeid`, and a node whose file
 * names more nodes raises the votes again, a moment after the reload.
 * @returns how many votes corosync expects then
 * Faults: those of readQuorum and of Run.
 */
export async function lowerExpectedVotes(
  host: Host,
  wanted: number,
  pauseMs = 300,
): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const expected = Number((await readQuorum(host)).votequorum.expected_votes);
    if (expected <= wanted || attempt > attempts) return expected;
    // Whatever it exits with, the next reading shows what came of it.
    const argv = ['corosync-quorumtool', '-e', `${wanted}`] as const;
    await host.run({ argv, deadlineMs: host.changeDeadlineMs });
    await sleep(pauseMs);
  }
}
