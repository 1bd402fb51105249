import type {
  BalancerStatus,
  ListenerTree,
  LoadBalancerTree,
  NodeState,
  PolicyTree,
  PoolTree,
} from '../../../balancer/domain.ts';
import {
  listenerDocument,
  loadBalancerDocument,
  memberDocument,
  monitorDocument,
  policyDocument,
  poolDocument,
  ruleDocument,
} from './objects.ts';

// Objects with what is below them. As in the answers of the recorded service, what is empty is left out.

export function poolTreeDocument({ pool, members, monitor }: PoolTree): object {
  return {
    ...poolDocument(pool),
    ...(monitor && { health_monitor: monitorDocument(monitor) }),
    ...(members.length > 0 && { members: members.map(memberDocument) }),
  };
}

export function policyTreeDocument({ policy, rules, redirectPool }: PolicyTree): object {
  return {
    ...policyDocument(policy),
    ...(rules.length > 0 && { l7rules: rules.map(ruleDocument) }),
    ...(redirectPool && { redirect_pool: poolTreeDocument(redirectPool) }),
  };
}

export function listenerTreeDocument({ listener, defaultPool, policies }: ListenerTree): object {
  return {
    ...listenerDocument(listener, defaultPool && poolTreeDocument(defaultPool)),
    ...(policies.length > 0 && { l7policies: policies.map(policyTreeDocument) }),
  };
}

export function loadBalancerTreeDocument({ loadBalancer, listeners }: LoadBalancerTree): object {
  return {
    ...loadBalancerDocument(loadBalancer),
    ...(listeners.length > 0 && { listeners: listeners.map(listenerTreeDocument) }),
  };
}

/** Ours: a load balancer with all that is below it, and what each node says. */
export function statusDocument(of: BalancerStatus): object {
  return {
    loadbalancer: loadBalancerTreeDocument(of.tree),
    other_pools: of.otherPools.map(poolTreeDocument),
    nodes: of.nodes.map(nodeStateDocument),
    troubles: of.troubles,
    last_error: of.lastError,
    next_try_at: of.nextTryAt,
    attempts: of.attempts,
  };
}

function nodeStateDocument(of: NodeState): object {
  return {
    id: of.node,
    name: of.name,
    is_master: of.isMaster,
    is_reachable: of.isReachable,
    wanted: of.wanted,
    running: of.running,
    heard_seconds_ago: of.heardSecondsAgo,
    error: of.error,
  };
}
