import { type CorosyncPaths, debianCorosyncPaths } from '../corosync/paths.ts';
import type { Host } from '../kit/host.ts';
import { debianPacemakerPaths, type PacemakerPaths } from '../pacemaker/paths.ts';
import { debianPcsPaths, type PcsPaths } from '../pcs/paths.ts';

/** Files of the cluster stack. */
export type ClusterPaths = CorosyncPaths & PacemakerPaths & PcsPaths;

/** A node of the cluster. */
export type ClusterHost = Host<ClusterPaths>;

export const debianClusterPaths: ClusterPaths = {
  ...debianCorosyncPaths,
  ...debianPacemakerPaths,
  ...debianPcsPaths,
};
