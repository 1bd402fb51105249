import type { BalancerNode, Orphan, Port, Secret } from '../../../balancer/grounds.ts';
import type { Quota, Statistics } from '../../../balancer/objects.ts';

// Statistics and quotas, and our own documents of what load balancers stand on.

export function statisticsDocument(of: Statistics): object {
  return {
    bytes_in: of.bytesIn,
    bytes_out: of.bytesOut,
    active_connections: of.activeConnections,
    total_connections: of.totalConnections,
    request_errors: of.requestErrors,
  };
}

/** Bare as in the document, and under `listener` as in the recorded answers: clients of both read it. */
export function listenerStatisticsDocument(of: Statistics): object {
  const figures = statisticsDocument(of);
  return { ...figures, listener: figures };
}

export function loadBalancerStatisticsDocument(
  total: Statistics,
  listeners: readonly (Statistics & { id: string })[],
): object {
  return {
    loadbalancer: {
      ...statisticsDocument(total),
      listeners: listeners.map((each) => ({ id: each.id, ...statisticsDocument(each) })),
    },
  };
}

export function quotaDocument(of: Quota): object {
  return {
    load_balancer: of.load_balancer,
    listener: of.listener,
    member: of.member,
    pool: of.pool,
    health_monitor: of.health_monitor,
  };
}

export function ownQuotaDocument(of: Quota & { project: string }): object {
  return { project_id: of.project, tenant_id: of.project, ...quotaDocument(of) };
}

export function portDocument(of: Port): object {
  return {
    id: of.id,
    network_id: of.network,
    subnet_id: of.subnet,
    ip_address: of.address,
    owner: of.owner,
    project_id: of.project,
    tenant_id: of.project,
    created_at: of.createdAt,
  };
}

export function secretDocument(of: Secret): object {
  return {
    id: of.id,
    fingerprint: of.fingerprint,
    subject: of.subject,
    names: of.names,
    expires_at: of.expiresAt,
    updated_at: of.updatedAt,
  };
}

export function nodeDocument(of: BalancerNode): object {
  return {
    id: of.id,
    name: of.name,
    is_reachable: of.isReachable,
    is_draining: of.isDraining,
    balancers: of.balancers,
    networks: of.networks,
    troubles: of.troubles,
  };
}

export function orphanDocument(of: Orphan): object {
  return { node: of.node, name: of.name, id: of.id };
}
