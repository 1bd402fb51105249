import type { FaultTable } from '../../server/fault-table.ts';

/** The faults of the node API, by which a controller orders this host. */
export const nodeFaults = {
  node_configuration_refused: {
    status: 400,
    title: 'The configuration cannot be used on this node',
    exit: 'refused',
  },
  node_certificate_refused: {
    status: 400,
    title: 'The certificate cannot be used on this node',
    exit: 'refused',
  },
  node_orders_foreign: {
    status: 409,
    title: 'The node runs the orders of another store',
    exit: 'refused',
  },
  node_orders_stale: { status: 409, title: 'The node runs later orders', exit: 'refused' },
  node_keepalived_configured: {
    status: 409,
    title: 'The host has a keepalived of its own',
    exit: 'refused',
  },
  node_not_applied: {
    status: 500,
    title: 'keepalived does not run the configuration',
    exit: 'failing',
  },
} as const satisfies FaultTable;

declare module '../../kit/fault.ts' {
  interface FaultCodes extends Record<keyof typeof nodeFaults, unknown> {}
}
