import type { FaultTable } from '../../server/fault-table.ts';

/**
 * The faults of groups and gateways, and those of the store and the nodes that their changes need. The latter mean the same
 * as in the table of the controller.
 */
export const gatewayFaults = {
  gateway_not_found: { status: 404, title: 'There is no such gateway', exit: 'refused' },
  group_not_found: { status: 404, title: 'There is no such group', exit: 'refused' },
  node_not_found: { status: 404, title: 'There is no such node', exit: 'refused' },
  name_taken: { status: 409, title: 'The name is taken', exit: 'refused' },
  address_taken: { status: 409, title: 'The address is taken', exit: 'refused' },
  router_id_taken: { status: 409, title: 'The router id is taken', exit: 'refused' },
  router_ids_exhausted: { status: 409, title: 'No router id is free', exit: 'refused' },
  node_twice: { status: 409, title: 'A node is in the group twice', exit: 'refused' },
  node_in_use: { status: 409, title: 'The node is still used', exit: 'refused' },
  gateway_in_use: { status: 409, title: 'The gateway has groups', exit: 'refused' },
  node_refused: { status: 409, title: 'The node refused', exit: 'refused' },
  node_unreachable: { status: 503, title: 'The node does not answer', exit: 'failing' },
  nodes_unreachable: { status: 503, title: 'No node can be reached', exit: 'failing' },
  store_unavailable: { status: 503, title: 'The store cannot be used', exit: 'failing' },
  dns_failed: { status: 503, title: 'The names could not be published', exit: 'failing' },
  controller_not_running: {
    status: 500,
    title: 'The agent failed',
    exit: 'unreachable',
  },
  controller_unresponsive: { status: 500, title: 'The agent failed', exit: 'unknown' },
  group_ambiguous: { status: 409, title: 'Several groups have this name', exit: 'refused' },
} as const satisfies FaultTable;

declare module '../../kit/fault.ts' {
  interface FaultCodes extends Record<keyof typeof gatewayFaults, unknown> {}
}
