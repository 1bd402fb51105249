import { agentFailed, type FaultTable } from '../../server/fault-table.ts';

/** The faults of liferafts, Alphorn's services and restores. */
export const alphornFaults = {
  liferaft_cut_off: { status: 400, title: 'The liferaft is incomplete', exit: 'refused' },
  liferaft_of_another_host: {
    status: 403,
    title: 'The liferaft belongs to another host',
    exit: 'refused',
  },
  liferaft_not_found: { status: 404, title: 'There is no such liferaft', exit: 'refused' },
  restore_not_found: { status: 404, title: 'There is no such restore', exit: 'refused' },
  path_not_in_liferaft: { status: 404, title: 'The liferaft has no such path', exit: 'refused' },
  liferaft_older: {
    status: 409,
    title: 'The liferaft is older than the stored one',
    exit: 'refused',
  },
  host_cloned: { status: 409, title: 'Two hosts have the same id', exit: 'failing' },
  liferaft_busy: {
    status: 409,
    title: 'A liferaft of this host is being received',
    exit: 'refused',
  },
  liferaft_damaged: { status: 409, title: 'The liferaft is damaged', exit: 'refused' },
  restore_blocked: { status: 409, title: 'Something on this host is in the way', exit: 'refused' },
  restore_busy: { status: 409, title: 'Another restore is under way', exit: 'refused' },
  pacemaker_running: { status: 409, title: 'Pacemaker is running on this node', exit: 'refused' },
  restore_half_done: { status: 409, title: 'A restore was interrupted', exit: 'refused' },
  nothing_to_undo: { status: 409, title: 'There is no restore to undo', exit: 'refused' },
  changed_since_restore: {
    status: 409,
    title: 'Restored paths have changed since',
    exit: 'refused',
  },
  liferaft_too_large: { status: 413, title: 'The liferaft is too large', exit: 'refused' },
  liferaft_invalid: { status: 422, title: 'The liferaft is invalid', exit: 'refused' },
  liferaft_of_later_format: {
    status: 422,
    title: 'The liferaft was made by a later version',
    exit: 'refused',
  },
  restore_failed: { status: 422, title: 'The restore failed', exit: 'failing' },
  too_many_liferafts: {
    status: 503,
    title: 'Too many liferafts are being received',
    exit: 'refused',
  },
  alphorn_not_running: {
    status: 503,
    title: 'Alphorn does not run on this host',
    exit: 'unreachable',
  },
  alphorn_unresponsive: {
    status: 503,
    title: 'Alphorn does not answer correctly',
    exit: 'failing',
  },
  alphorn_settings_invalid: {
    status: 503,
    title: "Alphorn's settings on this host are wrong",
    exit: 'failing',
  },
  host_without_id: { status: 503, title: 'This host has no id', exit: 'failing' },
  alphorn_rules_invalid: { ...agentFailed, exit: 'failing' },
  alphorn_without_key: { ...agentFailed, exit: 'refused' },
  alphorn_key_refused: { ...agentFailed, exit: 'refused' },
  host_rolled_back: { ...agentFailed, exit: 'failing' },
  file_unsteady: { ...agentFailed, exit: 'failing' },
  liferaft_lacking: { ...agentFailed, exit: 'failing' },
  peer_unreachable: { ...agentFailed, exit: 'failing' },
  peer_refused: { ...agentFailed, exit: 'failing' },
} as const satisfies FaultTable;

declare module '../../kit/fault.ts' {
  interface FaultCodes extends Record<keyof typeof alphornFaults, unknown> {}
}
