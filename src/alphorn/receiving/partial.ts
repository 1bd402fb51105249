import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { namesIn, statIfThere } from '../../kit/files/files.ts';

// The first part of a liferaft whose connection was cut. Its name has the digest of the whole, so that the sender only
// has to send the rest; then each byte is checked again. There is at most one for each host.

const pattern = /^partial_([0-9a-f]{8})_([0-9a-f]{64})\.part$/;
/** A host that does not send the rest within this time sends all of it. */
const maxAgeMs = 24 * 3_600_000;

/** A shorter part is not worth it: sending it again takes less time. */
export const minPartialBytes = 1024 ** 2;

export function partialName(hostId: string, digest: string): string {
  return `partial_${hostId}_${digest}.part`;
}

/** How many bytes of that liferaft are here. */
export async function partialBytes(
  folder: string,
  hostId: string,
  digest: string,
): Promise<number> {
  return (await statIfThere(join(folder, partialName(hostId, digest))))?.size ?? 0;
}

/** Removes those of a host, except the one of that name. */
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

/** Removes those whose rest was never sent. */
export async function removeOldPartials(folder: string): Promise<void> {
  for (const name of await namesIn(folder)) {
    if (!pattern.test(name)) continue;
    const stats = await statIfThere(join(folder, name));
    if (stats === undefined) continue;
    // The absolute difference, because the clock may have been set back.
    if (Math.abs(Date.now() - stats.mtimeMs) > maxAgeMs)
      await rm(join(folder, name), { force: true });
  }
}
