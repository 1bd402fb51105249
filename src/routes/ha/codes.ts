import type { FaultCode } from '../../kit/fault.ts';
import { ofChanges, ofCluster } from '../common/codes.ts';

// Faults that routes have in common, by what they ask of the domain.

/** The codes of the file corosync.conf. */
export const ofCorosyncConf: readonly FaultCode[] = [
  'corosync_conf_not_found',
  'corosync_conf_unreadable',
];

/** The codes of a change of the cluster or of its files. It may be for a version of the configuration. */
export const ofClusterChanges: readonly FaultCode[] = [
  ...ofChanges,
  ...ofCluster,
  'version_changed',
  'cluster_refused',
];

/** The codes of a change of the CIB, or of one that takes another back. */
export const ofCibChanges: readonly FaultCode[] = [
  ...ofClusterChanges,
  'node_joining',
  'changed_meanwhile',
  'change_too_large',
  'stored_otherwise',
  'value_not_allowed',
];

/** The codes of a delete that stops the resource first. */
export const ofRemoval: readonly FaultCode[] = ['resource_not_found', 'resource_not_stopped'];
