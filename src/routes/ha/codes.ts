import type { FaultCode } from '../../kit/fault.ts';
import { ofChanges, ofCluster } from '../common/codes.ts';

// Faults that routes share because they need the same part of the domain.

/** The codes of the file corosync.conf. */
export const ofCorosyncConf: readonly FaultCode[] = [
  'corosync_conf_not_found',
  'corosync_conf_unreadable',
];

/** The codes of a change of the cluster or of its files. The request may require a version. */
export const ofClusterChanges: readonly FaultCode[] = [
  ...ofChanges,
  ...ofCluster,
  'version_changed',
  'cluster_refused',
];

/** The codes of a change of the CIB, or of a change that undoes another one. */
export const ofCibChanges: readonly FaultCode[] = [
  ...ofClusterChanges,
  'node_joining',
  'changed_meanwhile',
  'change_too_large',
  'stored_otherwise',
  'value_not_allowed',
];

/** The codes of a deletion that stops the resource first. */
export const ofRemoval: readonly FaultCode[] = ['resource_not_found', 'resource_not_stopped'];
