import { storeFaults } from '../common/store-faults.ts';
import { agentFailed, type FaultTable } from '../../server/fault-table.ts';

/** The faults of the controller: of its store, its certificates and its nodes. */
export const controllerFaults = {
  ...storeFaults,
  join_refused: { status: 403, title: 'The host may not join', exit: 'refused' },
  join_invalid: { status: 400, title: 'The host cannot join like this', exit: 'usage' },
  controller_node_not_found: { status: 404, title: 'There is no such node', exit: 'refused' },
  node_exists: { status: 409, title: 'There is such a node already', exit: 'refused' },
  too_many_join_tokens: { status: 429, title: 'Too many join tokens wait', exit: 'refused' },
  store_in_use: { status: 503, title: 'Another process uses the store', exit: 'refused' },
  store_damaged: { ...agentFailed, exit: 'failing' },
  store_newer: { ...agentFailed, exit: 'refused' },
  store_missing: { ...agentFailed, exit: 'refused' },
  store_exists: { ...agentFailed, exit: 'refused' },
  store_not_shared: { ...agentFailed, exit: 'failing' },
  backup_refused: { ...agentFailed, exit: 'refused' },
  controller_unreachable: { ...agentFailed, exit: 'unreachable' },
  already_joined: { ...agentFailed, exit: 'refused' },
  controller_not_running: { ...agentFailed, exit: 'unreachable' },
  controller_unresponsive: { ...agentFailed, exit: 'unknown' },
} as const satisfies FaultTable;

declare module '../../kit/fault.ts' {
  interface FaultCodes extends Record<keyof typeof controllerFaults, unknown> {}
}
