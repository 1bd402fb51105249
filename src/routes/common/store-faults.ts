import type { FaultTable } from '../../server/fault-table.ts';

/** The faults of the controller's store and of its nodes, which each of its families may answer with. */
export const storeFaults = {
  node_in_use: { status: 409, title: 'The node is still used', exit: 'refused' },
  node_refused: { status: 409, title: 'The node refused', exit: 'refused' },
  node_unreachable: { status: 503, title: 'The node does not answer', exit: 'failing' },
  store_unavailable: { status: 503, title: 'The store cannot be used', exit: 'failing' },
} as const satisfies FaultTable;

declare module '../../kit/fault.ts' {
  interface FaultCodes extends Record<keyof typeof storeFaults, unknown> {}
}
