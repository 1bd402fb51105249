import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { namesIn, statIfThere } from '../../kit/files/files.ts';

// What came of a liferaft before its connection was cut. It is kept under the digest of the whole, so that its sender
// has to send the rest alone; each byte of it is checked again then. Of a host there is one at most.

const pattern = /^partial_([0-9a-f]{8})_([0-9a-f]{64})\.part$/;
/** A host that does not come back for the rest within that time sends all of it. */
const maxAgeMs = 24 * 3_600_000;

/** Less is sent again sooner than it is asked for. */
export const minPartialBytes = 1024 ** 2;

export function partialName(hostId: string, digest: string): string {
  return `partial_${hostId}_${digest}.part`;
}

/** How many bytes there are; 0 if there are none. */
export async function partialBytes(
  folder: string,
  hostId: string,
  digest: string,
): Promise<number> {
  return (await statIfThere(join(folder, partialName(hostId, digest))))?.size ?? 0;
}

/** Removes those of a host, except for one of that name. */
export async function removePartials(
  folder: string,
  hostId: string,
  except?: string,
): Promise<void> {
  for (const name of await namesIn(folder)) {
    if (pattern.exec(name)?.[1] !== hostId || name === except) continue;
    await rm(join(folder, name), { force: true });
  }
}

/** Removes those for whose rest nobody came. */
export async function removeOldPartials(folder: string): Promise<void> {
  for (const name of await namesIn(folder)) {
    if (!pattern.test(name)) continue;
    const stats = await statIfThere(join(folder, name));
    if (stats === undefined) continue;
    // Either way, for the clock may have been put back.
    if (Math.abs(Date.now() - stats.mtimeMs) > maxAgeMs)
      await rm(join(folder, name), { force: true });
  }
}
