import type { FaultCode } from '../../kit/fault.ts';

// Faults that routes of several families share.

/** The codes of running a tool. */
export const ofTools: readonly FaultCode[] = [
  'tool_missing',
  'tool_not_started',
  'tool_failed',
  'tool_timeout',
  'tool_ended_by_signal',
  'output_too_large',
  'unreadable_output',
  'no_space',
];

/** The codes of a tool that needs the cluster. */
export const ofCluster: readonly FaultCode[] = [...ofTools, 'cluster_not_running'];

/** The codes of each change, whose beginning must be recorded. */
export const ofChanges: readonly FaultCode[] = [
  'idempotency_key_reused',
  'outcome_unknown',
  'too_many_changes',
  'stopping',
  'audit_failed',
  'no_space',
];
