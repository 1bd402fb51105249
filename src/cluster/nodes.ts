import { type ClusterState, type NodeState, nodeStates } from '../parsers/crm-mon.ts';

/** Names of nodes by what they are doing, in crm_mon's order. */
export interface NodesByState {
  online: string[];
  standby: string[];
  maintenance: string[];
  offline: string[];
}

export interface NodeList {
  pacemaker_nodes: NodesByState;
  /** Remote and guest nodes. */
  pacemaker_remote_nodes: NodesByState;
}

/**
 * The documented list of nodes. As in `pcs status nodes`, a node in standby and in maintenance is in
 * both lists; unlike there, one in standby that still runs resources is in `standby` too.
 */
export function listNodes(state: ClusterState): NodeList {
  const nodes = nodeStates(state);
  return {
    pacemaker_nodes: byState(nodes.filter(({ remote }) => !remote)),
    pacemaker_remote_nodes: byState(nodes.filter(({ remote }) => remote)),
  };
}

function byState(nodes: readonly NodeState[]): NodesByState {
  const names = (matches: (node: NodeState) => boolean) =>
    nodes.filter(matches).map(({ name }) => name);
  return {
    online: names((node) => node.online && !node.standby && !node.maintenance),
    standby: names((node) => node.online && node.standby),
    maintenance: names((node) => node.online && node.maintenance),
    offline: names((node) => !node.online),
  };
}
