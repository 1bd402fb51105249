import type { Host } from '../kit/host.ts';

/** Files of Corosync. */
export interface CorosyncPaths {
  corosyncConf: string;
  corosyncKey: string;
}

export type CorosyncHost = Host<CorosyncPaths>;

export const debianCorosyncPaths: CorosyncPaths = {
  corosyncConf: '/etc/corosync/corosync.conf',
  corosyncKey: '/etc/corosync/authkey',
};
