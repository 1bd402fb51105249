import type { CorosyncPaths } from '../corosync/paths.ts';
import type { Host } from '../kit/host.ts';
import type { PacemakerPaths } from '../pacemaker/paths.ts';

/** Files of pcs. */
export interface PcsPaths {
  /** The list of what pcs can do, which pcs itself reads. */
  pcsCapabilities: string;
}

/** The texts of pcs depend on Corosync and on Pacemaker too. */
export type PcsHost = Host<PcsPaths & CorosyncPaths & PacemakerPaths>;

export const debianPcsPaths: PcsPaths = {
  pcsCapabilities: '/usr/share/pcsd/capabilities.xml',
};
