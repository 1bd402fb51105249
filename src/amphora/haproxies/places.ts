import { join } from 'node:path';

import type { AmphoraPaths } from '../paths.ts';

/** The files of one owner. Those that its controller knows have the names of Octavia's agent. */
export interface OwnerPlaces {
  folder: string;
  config: string;
  /** The configuration that the process runs: a second name of a file that was `haproxy.cfg`. */
  running: string;
  refused: string;
  /** There while the process should run. */
  enabled: string;
  /** There while the owner is being deleted. */
  deleting: string;
  pid: string;
  statsSocket: string;
  masterSocket: string;
  serversState: string;
}

export function placesOf({ base }: Pick<AmphoraPaths, 'base'>, id: string): OwnerPlaces {
  const folder = join(base, id);
  return {
    folder,
    config: join(folder, 'haproxy.cfg'),
    running: join(folder, 'running.cfg'),
    refused: join(folder, 'haproxy.cfg.new-failed'),
    enabled: join(folder, 'enabled'),
    deleting: join(folder, 'deleting'),
    pid: join(folder, `${id}.pid`),
    statsSocket: join(base, `${id}.sock`),
    masterSocket: join(folder, 'master.sock'),
    serversState: join(folder, 'servers-state'),
  };
}

/** What the fixed files of all owners are called. */
export interface SharedPlaces {
  groupFile: string;
  /** What a check reads in its place. */
  checkFile: string;
  pingWrapper: string;
  /** Variables for the units. */
  environment: string;
  checkScripts: string;
  checkScript: string;
}

export function sharedPlacesOf({ base }: Pick<AmphoraPaths, 'base'>): SharedPlaces {
  const checkScripts = join(base, 'vrrp', 'check_scripts');
  return {
    groupFile: join(base, 'haproxy-default-user-group.conf'),
    checkFile: join(base, 'haproxy-check.conf'),
    pingWrapper: join(base, 'ping-wrapper.sh'),
    environment: join(base, 'ha-amphora.env'),
    checkScripts,
    checkScript: join(checkScripts, 'haproxy_check_script.sh'),
  };
}

const reserved: ReadonlySet<string> = new Set(['certs', 'lvs', 'vrrp']);

/** Whether a name may be an owner's: it becomes the name of a folder, of a unit and of a frontend. */
export function isOwnerId(id: string): boolean {
  return /^[A-Za-z0-9_-]{1,64}$/.test(id) && !reserved.has(id);
}
