import { realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { Fault } from '../../kit/fault.ts';
import { ifThere } from '../../kit/files/files.ts';
import type { AlphornPaths } from '../paths.ts';

/**
 * Makes the paths for a restore into a folder, such as the mounted disk of a host that does not boot. The users, groups
 * and id come from that host. What is replaced is saved on this host.
 * @param folder absolute or relative to the working directory; may be a link
 * Faults: `invalid_request`
 */
export async function pathsBelow(paths: AlphornPaths, folder: string): Promise<AlphornPaths> {
  const root = await realFolder(folder);
  if (root === paths.root) return paths;
  const { hostId, machineId, passwd, group } = paths;
  return {
    ...paths,
    root,
    hostId: join(root, hostId),
    machineId: join(root, machineId),
    passwd: join(root, passwd),
    group: join(root, group),
  };
}

/**
 * An id that distinguishes a folder from others at the same path: a disk that is mounted again has the same id, and the
 * empty mount point has another.
 * @returns undefined if there is no such folder
 */
export async function folderIdOf(path: string): Promise<string | undefined> {
  const stats = await ifThere(stat(path, { bigint: true }), ['ENOENT', 'ENOTDIR']);
  return stats && `${stats.ino}-${stats.birthtimeNs}`;
}

async function realFolder(folder: string): Promise<string> {
  const missing = ['ENOENT', 'ENOTDIR', 'ELOOP'];
  const path = await ifThere(realpath(resolve(folder)), missing);
  if (path !== undefined && (await ifThere(stat(path), missing))?.isDirectory()) return path;
  throw new Fault(
    'invalid_request',
    `There is no folder ${folder}. Nothing was done. Make it, or mount what is to be restored into there.`,
  );
}
