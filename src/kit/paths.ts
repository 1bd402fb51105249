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
  alphorn: AlphornPaths;
}

/** Where Alphorn finds what it is to do, and keeps what it made and got. */
export interface AlphornPaths {
  /** What the API calls its configuration. */
  settings: string;
  /** The folder of rules for what goes into a liferaft. */
  rules: string;
  /** The key for peers outside of this cluster. */
  key: string;
  /** This host's own liferaft, and what was made known of it. */
  own: string;
  /** Liferafts of other hosts. */
  liferafts: string;
  /** Keys that were in use, for those who do not know the new ones yet. */
  knownKeys: string;
  /** What a restore replaced, in a folder each. */
  restores: string;
  /** What the paths of a liferaft are below when it is restored: `/`, if nothing else is asked for. */
  root: string;
  /** By which the daemon is asked how it is doing. */
  socket: string;
  /** What tells this host from others: set by hand (ZFS does), or made by systemd. */
  hostId: string;
  machineId: string;
  /** Names of users and groups. */
  passwd: string;
  group: string;
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
  alphorn: {
    settings: '/etc/alphorn/config.json',
    rules: '/etc/alphorn/manifest.d',
    key: '/etc/alphorn/key',
    own: '/var/lib/alphorn/own',
    liferafts: '/var/lib/alphorn/liferafts',
    knownKeys: '/var/lib/alphorn/known-keys.json',
    restores: '/var/lib/ha-agent/restore',
    root: '/',
    socket: '/run/alphorn/alphornd.sock',
    hostId: '/etc/hostid',
    machineId: '/etc/machine-id',
    passwd: '/etc/passwd',
    group: '/etc/group',
  },
};

/** Folders that tools are looked up in; the agent's own PATH plays no part. */
export const toolFolders: readonly string[] = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];

export const configFile = '/etc/ha-agent/config.json';

/** A folder in memory (shm_overview(7)), without which neither corosync nor Pacemaker runs. */
export const memoryFolder = '/dev/shm';
