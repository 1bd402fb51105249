import { join } from 'node:path';

import { lstatIfThere } from '../../kit/files/files.ts';

/** The files of keepalived below `base_path`. The configurations of controllers name the check script. */
export interface VrrpFiles {
  folder: string;
  config: string;
  /** What is being checked, and after that what was refused. */
  candidate: string;
  refused: string;
  pidFile: string;
  checkScript: string;
  checkScripts: string;
}

export function vrrpFiles(base: string): VrrpFiles {
  const folder = join(base, 'vrrp');
  const config = join(folder, 'octavia-keepalived.conf');
  return {
    folder,
    config,
    candidate: `${config}.new`,
    refused: `${config}.new-failed`,
    pidFile: join(folder, 'octavia-keepalived.pid'),
    checkScript: join(folder, 'check_script.sh'),
    checkScripts: join(folder, 'check_scripts'),
  };
}

/** keepalived's `/tmp` on the host, see systemd/amphora-keepalived.service. */
export const keepalivedDump = '/run/amphora-keepalived/keepalived.json';

/** Whether a path is a folder itself, and no link to one. */
export async function isPlainFolder(path: string): Promise<boolean> {
  return (await lstatIfThere(path))?.isDirectory() === true;
}

/** Whether a path is a file itself, and no link to one. */
export async function isPlainFile(path: string): Promise<boolean> {
  return (await lstatIfThere(path))?.isFile() === true;
}
