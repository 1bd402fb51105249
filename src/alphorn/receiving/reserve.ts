import { mkdir, statfs } from 'node:fs/promises';

import { Fault } from '../../kit/fault.ts';

/** Liferafts leave a twentieth of the disk free, and at most this many bytes. */
const maxReservedBytes = 512 * 1024 ** 2;

/**
 * Keeps liferafts of other hosts from filling the disk of this host, where its own cluster has its state.
 * @param bytes how many are to be written
 * Faults: `no_space`
 */
export async function checkReserve(folder: string, bytes: number): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { blocks, bavail, bsize } = await statfs(folder);
  const reserve = Math.min(maxReservedBytes, Math.ceil((blocks * bsize) / 20));
  const free = bavail * bsize;
  if (free - bytes >= reserve) return;
  throw new Fault(
    'no_space',
    `There is no room for ${bytes} more bytes in ${folder}: ${free} bytes are free on its disk, and ${reserve} of them are reserved for the host itself. Nothing of it was stored. Make room there, or delete liferafts of hosts that no longer exist ('hactl alphorn list').`,
  );
}
