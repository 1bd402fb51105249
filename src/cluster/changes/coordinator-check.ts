import { setTimeout as sleep } from 'node:timers/promises';

import { Fault } from '../../errors.ts';
import type { Host } from '../../host.ts';
import { queryWholeCib } from '../../pacemaker/cib.ts';
import type { CibDifference } from '../../pacemaker/cib-differences.ts';
import { coordinatorShows } from '../../pacemaker/coordinator.ts';
import { coordinatorOfCib } from '../../parsers/cib.ts';

/**
 * Waits until the coordinator shows a patch that this node has taken. Each node takes a patch or refuses it by
 * itself, and cibadmin tells of its own node alone. A node that has just joined may be a version behind the others
 * (what the coordinator takes while its CIB is on the way to that node, the node misses), and its CIB, with what
 * it alone has taken, is replaced soon after.
 * @param whole the CIB that the patch was made of
 * Faults: `outcome_unknown`
 */
export type CheckAtCoordinator = (
  host: Host,
  whole: string,
  differences: readonly CibDifference[],
) => Promise<void>;

/** How long to wait between two looks for a coordinator. */
const pauseMs = 500;

/**
 * @param askLocalId asks corosync for the id of this node, which is cached. Pacemaker's own tool would ask
 * pacemaker-controld, which a change of the CIB does not need.
 */
export function makeCheckAtCoordinator(
  askLocalId: () => Promise<string | undefined>,
): CheckAtCoordinator {
  let localId: string | undefined;

  /** @returns undefined if the coordinator cannot be asked just now */
  async function isShown(
    host: Host,
    whole: string,
    differences: readonly CibDifference[],
  ): Promise<boolean | undefined> {
    const coordinator = coordinatorOfCib(whole);
    if (coordinator === undefined) return undefined;
    // Where nobody knows, this node may as well be asked as if it were another.
    localId ??= await orUndefined(askLocalId());
    if (coordinator.id === localId) return true;
    return orUndefined(coordinatorShows(host, coordinator.name, differences));
  }

  return async (host, whole, differences) => {
    const endsAt = performance.now() + host.changeDeadlineMs;
    let shown = await isShown(host, whole, differences);
    // The coordinator may be lost, and the others about to choose another.
    while (shown === undefined && performance.now() < endsAt) {
      await sleep(pauseMs);
      const now = await orUndefined(queryWholeCib(host));
      shown = now === undefined ? undefined : await isShown(host, now, differences);
    }
    if (shown !== true) throw notShown();
  };
}

async function orUndefined<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

function notShown(): Fault {
  return new Fault(
    'outcome_unknown',
    'This node made the change, but the coordinator (DC) does not show it. A node that has just joined the cluster may lose it again. Read the configuration in a few seconds, before you ask again.',
  );
}
