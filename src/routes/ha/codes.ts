import type { FaultCode } from '../../kit/fault.ts';

// Faults that routes have in common, by what they ask of the domain.

/** Of a tool that is run. */
export const ofTools: readonly FaultCode[] = [
  ...(['tool_missing', 'tool_not_started', 'tool_failed', 'tool_timeout'] as const),
  ...(['tool_ended_by_signal', 'output_too_large', 'unreadable_output', 'no_space'] as const),
];

/** Of a tool that asks the cluster. */
export const ofCluster: readonly FaultCode[] = [...ofTools, 'cluster_not_running'];

/** Of the file corosync.conf. */
export const ofCorosyncConf: readonly FaultCode[] = [
  ...(['corosync_conf_not_found', 'corosync_conf_unreadable'] as const),
];

/** Of each change, which is recorded first. */
const ofChanges: readonly FaultCode[] = [
  ...(['idempotency_key_reused', 'outcome_unknown', 'too_many_changes', 'stopping'] as const),
  ...(['audit_failed', 'no_space'] as const),
];

/** Of a change of the cluster or of its files; it may be for a version of the configuration. */
export const ofClusterChanges: readonly FaultCode[] = [
  ...ofChanges,
  ...ofCluster,
  ...(['version_changed', 'cluster_refused'] as const),
];

/** Of a change of the CIB, or one that takes another back. */
export const ofCibChanges: readonly FaultCode[] = [
  ...ofClusterChanges,
  ...(['node_joining', 'changed_meanwhile', 'change_too_large', 'stored_otherwise'] as const),
  'value_not_allowed',
];

/** Of a change of this host alone. */
export const ofHostChanges = ofChanges;

/** Of what is stopped before it is deleted. */
export const ofRemoval: readonly FaultCode[] = ['resource_not_found', 'resource_not_stopped'];
