/** Files of other software that the agent reads. What differs by installation is in config.ts. */
export interface Paths {
  corosyncConf: string;
  /** What pcs can do, in the file that pcs itself has it from. */
  pcsCapabilities: string;
  /** The CIB as Pacemaker keeps it on the disk. */
  cib: string;
  /** The folder of Pacemaker's daemons. */
  pacemakerDaemons: string;
}

export const debianPaths: Paths = {
  corosyncConf: '/etc/corosync/corosync.conf',
  pcsCapabilities: '/usr/share/pcsd/capabilities.xml',
  cib: '/var/lib/pacemaker/cib/cib.xml',
  pacemakerDaemons: '/usr/lib/pacemaker',
};

/** Folders that tools are looked up in; the agent's own PATH plays no part. */
export const toolFolders: readonly string[] = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];

export const configFile = '/etc/ha-agent/config.json';
