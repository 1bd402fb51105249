import { mkdir, statfs } from 'node:fs/promises';

import { Fault } from '../../kit/fault.ts';

/** What liferafts leave free of a disk: a twentieth of it, and at most so many bytes. */
const maxReservedBytes = 512 * 1024 ** 2;

/**
 * Sees to it that liferafts of others do not fill the disk of this host, on which its own cluster has its state.
 * @param bytes that are to be written
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
    `There is no room for ${bytes} bytes more in ${folder}: ${free} bytes are free on its disk, and ${reserve} of them are kept for the host itself. Nothing of it was kept. Make room there, or delete liferafts of hosts that are no more ('hactl alphorn list').`,
  );
}
