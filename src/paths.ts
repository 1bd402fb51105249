/** Files of other software that the agent reads. What differs by installation is in config.ts. */
export interface Paths {
  corosyncConf: string;
  corosyncKey: string;
  /** What pcs can do, in the file that pcs itself has it from. */
  pcsCapabilities: string;
}

export const debianPaths: Paths = {
  corosyncConf: '/etc/corosync/corosync.conf',
  corosyncKey: '/etc/corosync/authkey',
  pcsCapabilities: '/usr/share/pcsd/capabilities.xml',
};

/** Folders that tools are looked up in; the agent's own PATH plays no part. */
export const toolFolders: readonly string[] = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];

export const configFile = '/etc/ha-agent/config.json';
