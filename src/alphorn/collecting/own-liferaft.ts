import { Fault } from '../../kit/fault.ts';
import { openLiferaft } from '../format/liferaft-file.ts';
import type { Manifest } from '../format/manifest.ts';

/** This host's own liferaft, as it is on the disk. */
export interface OwnLiferaft {
  manifest: Manifest;
  digest: string;
  /** Bytes of the whole archive. */
  size: number;
  /** Of the file. It is replaced whole, so who opened it reads one and the same to its end. */
  path: string;
}

/** One that is damaged, or of a later version, is as if it were not there. */
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
