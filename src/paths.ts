/** Files of other software that the agent reads. What differs by installation is in config.ts. */
export interface Paths {
  corosyncConf: string;
  corosyncKey: string;
  /** What pcs can do, in the file that pcs itself has it from. */
  pcsCapabilities: string;
  /** The CIB as Pacemaker keeps it on the disk. */
  cib: string;
  /** The folder of Pacemaker's daemons. */
  pacemakerDaemons: string;
  agents: AgentFolders;
}

/** Folders that Pacemaker finds agents in. Only to see whether they change; Pacemaker lists them. */
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

export const debianPaths: Paths = {
  corosyncConf: '/etc/corosync/corosync.conf',
  corosyncKey: '/etc/corosync/authkey',
  pcsCapabilities: '/usr/share/pcsd/capabilities.xml',
  cib: '/var/lib/pacemaker/cib/cib.xml',
  pacemakerDaemons: '/usr/lib/pacemaker',
  agents: {
    ocf: '/usr/lib/ocf/resource.d',
    initScripts: '/etc/init.d',
    // What `systemd-analyze unit-paths` prints (systemd.unit(5)).
    units: [
      ...['/etc/systemd/system.control', '/run/systemd/system.control', '/run/systemd/transient'],
      ...['/run/systemd/generator.early', '/etc/systemd/system', '/etc/systemd/system.attached'],
      ...['/run/systemd/system', '/run/systemd/system.attached', '/run/systemd/generator'],
      ...['/usr/local/lib/systemd/system', '/lib/systemd/system', '/usr/lib/systemd/system'],
      '/run/systemd/generator.late',
    ],
    fence: '/usr/sbin',
    fencePlugins: '/usr/lib/stonith/plugins',
  },
};

/** Folders that tools are looked up in; the agent's own PATH plays no part. */
export const toolFolders: readonly string[] = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];

export const configFile = '/etc/ha-agent/config.json';
