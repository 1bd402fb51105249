import { type FaultTable } from '../../server/fault-table.ts';

/** The faults of the cluster. */
export const haFaults = {
  resource_not_found: { status: 404, title: 'There is no such resource', exit: 'refused' },
  node_not_found: { status: 404, title: 'There is no such node', exit: 'refused' },
  property_not_found: { status: 404, title: 'There is no such property', exit: 'refused' },
  agent_not_found: { status: 404, title: 'There is no such agent', exit: 'refused' },
  provider_not_found: {
    status: 404,
    title: 'There is no such agent provider',
    exit: 'refused',
  },
  corosync_conf_not_found: {
    status: 404,
    title: 'This node has no corosync.conf',
    exit: 'refused',
  },
  corosync_key_not_found: { status: 404, title: 'This node has no corosync key', exit: 'refused' },
  constraint_not_found: { status: 404, title: 'There is no such constraint', exit: 'refused' },
  level_not_found: { status: 404, title: 'There is no such fencing level', exit: 'refused' },
  service_not_found: { status: 404, title: 'There is no such service', exit: 'refused' },
  property_not_set: { status: 404, title: 'The property is not set', exit: 'refused' },
  id_exists: { status: 409, title: 'The name is taken', exit: 'refused' },
  constraint_exists: { status: 409, title: 'The constraint already exists', exit: 'refused' },
  constraint_contradicts: {
    status: 409,
    title: 'The constraint contradicts another one',
    exit: 'refused',
  },
  level_exists: { status: 409, title: 'The device is already in the level', exit: 'refused' },
  would_not_move: {
    status: 409,
    title: 'The resource would not stay on that node',
    exit: 'refused',
  },
  resource_not_stopped: { status: 409, title: 'The resource did not stop', exit: 'refused' },
  node_online: { status: 409, title: 'The node is online', exit: 'refused' },
  node_is_local: {
    status: 409,
    title: 'The node is the one that received the request',
    exit: 'refused',
  },
  node_not_forgotten: { status: 409, title: 'Pacemaker still lists the node', exit: 'unsettled' },
  node_not_matched: {
    status: 409,
    title: 'corosync.conf does not show which node it is',
    exit: 'refused',
  },
  stack_busy: {
    status: 409,
    title: "Another change of this node's cluster stack is under way",
    exit: 'refused',
  },
  constrain_the_clone: {
    status: 422,
    title: 'Constrain the clone, not the resource in it',
    exit: 'refused',
  },
  property_is_pacemakers: {
    status: 422,
    title: 'Pacemaker sets the property itself',
    exit: 'refused',
  },
  value_not_allowed: { status: 422, title: 'The value is not allowed', exit: 'refused' },
  corosync_conf_invalid: {
    status: 422,
    title: 'Corosync would not start with this configuration',
    exit: 'refused',
    quotesTool: true,
  },
  service_failed: {
    status: 422,
    title: 'The service failed',
    exit: 'failing',
    quotesTool: true,
  },
  cluster_refused: {
    status: 422,
    title: 'The cluster refused the change',
    exit: 'refused',
    quotesTool: true,
  },
  stored_otherwise: { status: 422, title: 'The cluster stored something else', exit: 'refused' },
  corosync_conf_unreadable: { status: 503, title: 'corosync.conf cannot be read', exit: 'failing' },
  node_joining: { status: 503, title: 'The node has not joined the cluster yet', exit: 'refused' },
  cluster_not_running: {
    status: 503,
    title: 'The cluster is not running on this node',
    exit: 'failing',
  },
  no_coordinator: { status: 503, title: 'The cluster has no coordinator', exit: 'failing' },
  no_quorum: { status: 503, title: 'There is no quorum', exit: 'failing' },
  daemon_stopped: { status: 503, title: 'A daemon of the cluster is stopped', exit: 'failing' },
} as const satisfies FaultTable;

declare module '../../kit/fault.ts' {
  interface FaultCodes extends Record<keyof typeof haFaults, unknown> {}
}
