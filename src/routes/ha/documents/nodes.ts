import {
  allInstances,
  type ClusterState,
  nodeAttributes,
  nodeNamed,
  type NodeState,
  nodeStates,
} from '../../../cluster/model.ts';
import type { JsonObject } from './json.ts';
import { nodeNotFound } from '../../../cluster/nodes.ts';
import type { AttributeSets, Cib } from '../../../cluster/model.ts';

/** Names of nodes by their state, in crm_mon's order. */
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

/**
 * What crm_mon reports about a node, its attributes, and the resources that run on it.
 * Faults: `node_not_found`
 */
export function nodeDetails(state: ClusterState, cib: Cib, name: string): JsonObject {
  const node = nodeNamed(state, name);
  if (node === undefined) throw nodeNotFound(name);
  const configured = cib.nodes.find((each) => each.name === name);
  const { attributes, utilization } = configured ?? { attributes: noSets, utilization: noSets };
  const running = allInstances(state).filter(({ nodes }) => nodes.includes(name));
  return {
    ...node,
    attributes: attributes.pairs,
    transient_attributes: withoutPermanent(nodeAttributes(state, name), attributes),
    utilization: utilization.pairs,
    resources: [...new Set(running.map(({ id }) => id))],
    ...(attributes.whole.length > 0 && { instance_attributes: attributes.whole }),
    ...(utilization.whole.length > 0 && { utilization_sets: utilization.whole }),
    ...configured?.rest,
  };
}

const noSets: AttributeSets = { pairs: {}, underRules: [], whole: [] };

/** The values in effect that are not in the CIB. A transient value takes precedence over the CIB's. */
function withoutPermanent(
  inEffect: Readonly<Record<string, string>>,
  { pairs, underRules }: AttributeSets,
): Record<string, string> {
  const isPermanent = (name: string, value: string) =>
    underRules.includes(name) || (Object.hasOwn(pairs, name) && pairs[name] === value);
  return Object.fromEntries(
    Object.entries(inEffect).filter(([name, value]) => !isPermanent(name, value)),
  );
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
