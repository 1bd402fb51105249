import { Fault } from '../kit/fault.ts';
import type { Host } from '../kit/host.ts';
import { askCoordinator } from '../pacemaker/coordinator.ts';
import { conditionsIn } from '../parsers/crm-mon.ts';
import { shareRuns } from '../kit/concurrency/shared-run.ts';
import { type FindStoppedDaemons, sentenceOf } from './daemons.ts';
import type { StateReader } from './reading/state.ts';

/** Milliseconds for which one answer of the coordinator serves all probes. */
const keepAnswerMs = 5000;

/**
 * Checks that the cluster works as seen from this node: no daemon of it is stopped here, those that are asked answer, and
 * it has a coordinator and quorum.
 * Faults: `daemon_stopped`, `no_coordinator`, `no_quorum`, those of readState and askCoordinator.
 */
export type CheckReadiness = () => Promise<void>;

export function makeCheckReadiness(
  host: Host,
  state: StateReader,
  findStoppedDaemons: FindStoppedDaemons,
): CheckReadiness {
  // The state comes from other daemons than the controller.
  const coordinator = shareRuns(() => askCoordinator(host), { reuseMs: keepAnswerMs });

  return async () => {
    // First, for while one is stopped the state may be long in coming, or look as if all were well.
    const needed = (await findStoppedDaemons()).filter(({ isNeeded }) => isNeeded);
    if (needed.length > 0) throw new Fault('daemon_stopped', sentenceOf(needed));
    const { hasCoordinator, hasQuorum } = conditionsIn((await state.get()).state);
    if (!hasCoordinator) {
      throw new Fault(
        'no_coordinator',
        "The cluster has no coordinator (DC) at the moment, so nothing is decided. While nodes join or leave that takes seconds; if it lasts, look at 'journalctl --unit pacemaker' on each node.",
      );
    }
    if (!hasQuorum) {
      throw new Fault(
        'no_quorum',
        "The nodes that this one is with have no quorum. 'corosync-quorumtool -s' shows which are together; see whether the others are up, and the network between them.",
      );
    }
    await coordinator.get();
  };
}
