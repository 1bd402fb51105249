import type { Host } from '../kit/host.ts';
import type { PacemakerPaths } from '../pacemaker/paths.ts';

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

/** The host of a liferaft, whose Pacemaker may have to be stopped for a restore. */
export type AlphornHost = Host<{ alphorn: AlphornPaths } & PacemakerPaths>;

export const debianAlphornPaths: AlphornPaths = {
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
};
