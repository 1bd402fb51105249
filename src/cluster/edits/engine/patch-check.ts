import { setTimeout as sleep } from 'node:timers/promises';

import { Fault } from '../../../kit/fault.ts';
import type { ClusterHost } from '../../paths.ts';
import { queryWholeCib } from '../../../pacemaker/cib/cib.ts';
import { type SentPatch, showsPatch, storedInstead } from '../../../pacemaker/cib/sent-patch.ts';
import { coordinatorOfCib } from '../../../parsers/cib/text.ts';
import type { EditableXml } from '../../../parsers/xml-edit.ts';

/**
 * Waits until the coordinator's CIB has a patch that this node accepted. The exit code 0 of cibadmin says neither that the
 * cluster has the patch nor that it is stored as it was sent. Each node accepts or refuses a patch by itself, and cibadmin
 * reports only its own node. A node that has just joined may be a version behind, because it misses what the coordinator
 * accepts while its CIB is on the way to that node. The CIB of that node is replaced soon after, and with it all that only
 * this node accepted.
 * @param whole the CIB that the patch was made for
 * @returns undefined if the patch is stored as meant; else the CIB that is there instead
 * Faults: `outcome_unknown`
 */
export type CheckPatch = (
  host: ClusterHost,
  whole: string,
  patch: SentPatch,
) => Promise<EditableXml | undefined>;

/** The pause between two attempts to find a coordinator. */
const pauseMs = 500;

/**
 * @param askLocalId asks corosync for the id of this node, which is then cached. Pacemaker's own tool would ask
 * pacemaker-controld, which a change of the CIB does not need.
 */
export function makeCheckPatch(askLocalId: () => Promise<string | undefined>): CheckPatch {
  let localId: string | undefined;

  /** @returns undefined if the coordinator cannot be asked just now */
  async function isShown(
    host: ClusterHost,
    whole: string,
    patch: SentPatch,
  ): Promise<boolean | undefined> {
    const coordinator = coordinatorOfCib(whole);
    if (coordinator === undefined) return undefined;
    // Without a local id, this node is asked as if it were another one.
    localId ??= await orUndefined(askLocalId());
    const node = coordinator.id === localId ? undefined : coordinator.name;
    return orUndefined(showsPatch(host, node, patch));
  }

  return async (host, whole, patch) => {
    const endsAt = performance.now() + host.changeDeadlineMs;
    let shown = await isShown(host, whole, patch);
    // The coordinator may be lost, and the other nodes about to elect a new one.
    while (shown === undefined && performance.now() < endsAt) {
      await sleep(pauseMs);
      const now = await orUndefined(queryWholeCib(host));
      shown = now === undefined ? undefined : await isShown(host, now, patch);
    }
    if (shown === true) return undefined;
    const instead = await orUndefined(storedInstead(host, patch));
    if (instead === undefined) throw notShown();
    return instead;
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
    'Pacemaker on this node took the change, but the CIB of the coordinator (DC) does not show it. A node that has just joined the cluster may lose it again. Read the configuration in a few seconds, before you ask again.',
  );
}
