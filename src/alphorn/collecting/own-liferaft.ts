import { Fault } from '../../kit/fault.ts';
import { openLiferaft } from '../format/liferaft-file.ts';
import type { Manifest } from '../format/manifest.ts';

/** This host's own liferaft on the disk. */
export interface OwnLiferaft {
  manifest: Manifest;
  digest: string;
  /** Bytes of the whole archive. */
  size: number;
  /** The file is only replaced whole, so a reader that has opened it sees one version to its end. */
  path: string;
}

/** Treats a liferaft that is damaged or of a later version as missing. */
export async function readOwn(path: string, hostId: string): Promise<OwnLiferaft | undefined> {
  try {
    const file = await openLiferaft(path, hostId);
    if (file === undefined) return undefined;
    try {
      await file.check();
      const { manifest, digest, size } = file;
      return { manifest, digest, size, path };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isDamage(error) || isOfLaterFormat(error)) return undefined;
    throw error;
  }
}

export function isDamage(error: unknown): boolean {
  return error instanceof Fault && error.code === 'liferaft_damaged';
}

function isOfLaterFormat(error: unknown): boolean {
  return error instanceof Fault && error.code === 'liferaft_of_later_format';
}
