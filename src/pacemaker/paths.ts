import type { Host } from '../kit/host.ts';

/** Files of Pacemaker. */
export interface PacemakerPaths {
  /** The CIB on the disk. */
  cib: string;
  /** The folder of Pacemaker's daemons. */
  pacemakerDaemons: string;
  agents: AgentFolders;
}

export type PacemakerHost = Host<PacemakerPaths>;

/** Folders in which Pacemaker finds agents. They are only watched for changes; Pacemaker lists the agents. */
export interface AgentFolders {
  /** OCF resource agents, in a folder for each provider. */
  ocf: string;
  initScripts: string;
  /** Unit files, in systemd's own order. */
  units: readonly string[];
  /** Fence agents: those whose names begin with `fence_`. */
  fence: string;
  /** Fence agents of cluster-glue, in a folder for each kind. */
  fencePlugins: string;
}

export const debianPacemakerPaths: PacemakerPaths = {
  cib: '/var/lib/pacemaker/cib/cib.xml',
  pacemakerDaemons: '/usr/lib/pacemaker',
  agents: {
    ocf: '/usr/lib/ocf/resource.d',
    initScripts: '/etc/init.d',
    // What `systemd-analyze unit-paths` prints (systemd.unit(5)).
    units: [
      '/etc/systemd/system.control',
      '/run/systemd/system.control',
      '/run/systemd/transient',
      '/run/systemd/generator.early',
      '/etc/systemd/system',
      '/etc/systemd/system.attached',
      '/run/systemd/system',
      '/run/systemd/system.attached',
      '/run/systemd/generator',
      '/usr/local/lib/systemd/system',
      '/lib/systemd/system',
      '/usr/lib/systemd/system',
      '/run/systemd/generator.late',
    ],
    fence: '/usr/sbin',
    fencePlugins: '/usr/lib/stonith/plugins',
  },
};
