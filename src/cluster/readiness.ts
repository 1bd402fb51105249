import { Fault } from '../kit/fault.ts';
import type { ClusterHost } from './paths.ts';
import { askCoordinator } from '../pacemaker/coordinator.ts';
import { conditionsIn } from '../parsers/crm-mon.ts';
import { shareRuns } from '../kit/concurrency/shared-run.ts';
import { type FindStoppedDaemons, sentenceOf } from './daemons.ts';
import type { StateReader } from './reading/state.ts';

/** One answer of the coordinator serves all probes for this many milliseconds. */
const keepAnswerMs = 5000;

/**
 * Checks that the cluster works as seen from this node: none of its daemons is stopped here, the daemons that are asked
 * answer, and the cluster has a coordinator and quorum.
 * Faults: `daemon_stopped`, `no_coordinator`, `no_quorum`, those of readState and askCoordinator.
 */
export type CheckReadiness = () => Promise<void>;

export function makeCheckReadiness(
  host: ClusterHost,
  state: StateReader,
  findStoppedDaemons: FindStoppedDaemons,
): CheckReadiness {
  // The state does not come from the controller, so the controller has to be asked separately.
  const coordinator = shareRuns(() => askCoordinator(host), { reuseMs: keepAnswerMs });

  return async () => {
    // This goes first: while a daemon is stopped, the state may take long or look healthy.
    const needed = (await findStoppedDaemons()).filter(({ isNeeded }) => isNeeded);
    if (needed.length > 0) throw new Fault('daemon_stopped', sentenceOf(needed));
    const { hasCoordinator, hasQuorum } = conditionsIn((await state.get()).state);
    if (!hasCoordinator) {
      throw new Fault(
        'no_coordinator',
        "The cluster has no coordinator (DC) at the moment, so nothing is decided. While nodes join or leave, that is normal for some seconds; if it lasts, look at 'journalctl --unit pacemaker' on each node.",
      );
    }
    if (!hasQuorum) {
      throw new Fault(
        'no_quorum',
        "This node and the nodes that it sees have no quorum. 'corosync-quorumtool -s' shows which nodes are together; check whether the others are up, and the network between them.",
      );
    }
    await coordinator.get();
  };
}
