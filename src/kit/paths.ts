/** Files of other software that the agent reads. Paths that an installation can change are in config.ts. */
export interface Paths {
  corosyncConf: string;
  corosyncKey: string;
  /** The list of what pcs can do, which pcs itself reads. */
  pcsCapabilities: string;
  /** The CIB on the disk. */
  cib: string;
  /** The folder of Pacemaker's daemons. */
  pacemakerDaemons: string;
  agents: AgentFolders;
  alphorn: AlphornPaths;
}

/** Where Alphorn finds its settings and keeps its files. */
export interface AlphornPaths {
  /** What the API calls its configuration. */
  settings: string;
  /** The folder of rules for what goes into a liferaft. */
  rules: string;
  /** The key for peers outside of this cluster. */
  key: string;
  /** This host's own liferaft, and a record of what was announced of it. */
  own: string;
  /** Liferafts of other hosts. */
  liferafts: string;
  /** Former keys, for peers that do not know the new ones yet. */
  knownKeys: string;
  /** What restores replaced: one folder for each restore. */
  restores: string;
  /** The folder into which a liferaft is restored: `/` by default. */
  root: string;
  /** Answers with the daemon's status. */
  socket: string;
  /** The ids that identify this host: one is set by the administrator (as for ZFS), the other one is made by systemd. */
  hostId: string;
  machineId: string;
  /** Names of users and groups. */
  passwd: string;
  group: string;
}

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

/** Folders in which tools are looked up, whatever the agent's own PATH is. */
export const toolFolders: readonly string[] = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];

export const configFile = '/etc/ha-agent/config.json';

/** A folder in memory (shm_overview(7)), without which neither corosync nor Pacemaker runs. */
export const memoryFolder = '/dev/shm';
