import type { FaultTable } from '../../server/fault-table.ts';
import { storeFaults } from '../common/store-faults.ts';

/** The faults of groups and gateways, and those of the store and the nodes that their changes need. */
export const gatewayFaults = {
  ...storeFaults,
  gateway_not_found: { status: 404, title: 'There is no such gateway', exit: 'refused' },
  group_not_found: { status: 404, title: 'There is no such group', exit: 'refused' },
  node_not_found: { status: 404, title: 'There is no such node', exit: 'refused' },
  name_taken: { status: 409, title: 'The name is taken', exit: 'refused' },
  address_taken: { status: 409, title: 'The address is taken', exit: 'refused' },
  router_id_taken: { status: 409, title: 'The router id is taken', exit: 'refused' },
  router_ids_exhausted: { status: 409, title: 'No router id is free', exit: 'refused' },
  node_twice: { status: 409, title: 'A node is in the group twice', exit: 'refused' },
  gateway_in_use: { status: 409, title: 'The gateway has groups', exit: 'refused' },
  nodes_unreachable: { status: 503, title: 'No node can be reached', exit: 'failing' },
  dns_failed: { status: 503, title: 'The names could not be published', exit: 'failing' },
  group_ambiguous: { status: 409, title: 'Several groups have this name', exit: 'refused' },
} as const satisfies FaultTable;

declare module '../../kit/fault.ts' {
  interface FaultCodes extends Record<keyof typeof gatewayFaults, unknown> {}
}
