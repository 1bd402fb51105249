/** Folders in which tools are looked up, whatever the agent's own PATH is. */
export const toolFolders: readonly string[] = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];

export const configFile = '/etc/ha-agent/config.json';

/** A folder in memory (shm_overview(7)), without which neither corosync nor Pacemaker runs. */
export const memoryFolder = '/dev/shm';
