import { dirname, join } from 'node:path';

import { namesIn, removeTemporaries } from '../kit/files/files.ts';
import { isOwnerId } from './haproxies/places.ts';
import { inPlainFolder, removePlainFile } from './haproxies/plain-files.ts';
import { lvsCandidates, lvsFolderOf } from './lvs/places.ts';
import type { AmphoraPaths } from './paths.ts';
import { vrrpFiles } from './vrrp/files.ts';

/**
 * Removes what killed uploads left beside their files. It holds keys, and nobody else would remove it. The folders of
 * owners are not among these: their recovery does it.
 * @param serverCertificate the certificate of the API
 */
export async function removeLeftTemporaries(
  paths: Pick<AmphoraPaths, 'base' | 'certificates' | 'agentConfig' | 'interfaces'>,
  serverCertificate: string,
): Promise<void> {
  const owners = (await namesIn(paths.certificates)).filter(isOwnerId);
  const folders = [
    dirname(paths.agentConfig),
    dirname(serverCertificate),
    paths.interfaces,
    paths.base,
    join(paths.base, 'vrrp'),
    join(paths.base, 'vrrp', 'check_scripts'),
    lvsFolderOf(paths),
    join(lvsFolderOf(paths), 'check'),
    ...owners.map((owner) => join(paths.certificates, owner)),
  ];
  // Anybody may have put a link there.
  for (const folder of folders) await inPlainFolder(folder, removeTemporaries);
  await removePlainFile(vrrpFiles(paths.base).candidate);
  for (const name of await lvsCandidates(paths))
    await removePlainFile(join(lvsFolderOf(paths), name));
}
