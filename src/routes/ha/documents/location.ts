import { type Cib, type ClusterState, instancesOf } from '../../../cluster/model.ts';
import { isConfigured, resourceNotFound } from '../../../cluster/resources.ts';

/**
 * The nodes where a resource runs. `nodes` is present only if there are several, and `promoted` only if there are any.
 */
export interface Location {
  status: 'running' | 'stopped';
  node?: string;
  nodes?: readonly string[];
  promoted?: readonly string[];
}

/**
 * The nodes where a resource, or anything inside it, runs.
 * Faults: `resource_not_found`
 */
export function locate(state: ClusterState, cib: Cib, name: string): Location {
  // crm_mon leaves out a resource that could not be stopped on a node which has been lost since (Pacemaker's own test
  // stop-failure-no-fencing).
  const instances = instancesOf(state, name) ?? (isConfigured(cib, name) ? [] : undefined);
  if (instances === undefined) throw resourceNotFound(name);
  const nodes = nodesOf(instances);
  const [node] = nodes;
  if (node === undefined) return { status: 'stopped' };
  const promoted = nodesOf(instances.filter((each) => each.promoted));
  return {
    status: 'running',
    node,
    ...(nodes.length > 1 && { nodes }),
    ...(promoted.length > 0 && { promoted }),
  };
}

function nodesOf(instances: readonly { nodes: readonly string[] }[]): string[] {
  return [...new Set(instances.flatMap(({ nodes }) => nodes))];
}
