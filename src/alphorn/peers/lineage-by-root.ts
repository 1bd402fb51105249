import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { z } from 'zod';

import { makeFolder, readTextIfThere, replaceFile } from '../../kit/files/files.ts';

// A host that was rolled back has an older state than its destinations, which keep the newer one. Which of the two counts
// only root can say. To say "this one" is to begin a new count of generations, under a lineage that is written down here.

const schema = z.strictObject({ lineage: z.string().regex(/^[0-9a-f]{32}$/) });

/**
 * Declares that the present state of this host counts, from the next round on.
 * @param own folder of the own liferaft
 */
export async function beginLineageByRoot(own: string): Promise<void> {
  await makeFolder(own);
  const lineage = randomBytes(16).toString('hex');
  await replaceFile(fileIn(own), `${JSON.stringify({ lineage })}\n`, 0o600);
}

/** The lineage that root has begun last; undefined if there is none, or it cannot be read. */
export async function lineageByRoot(own: string): Promise<string | undefined> {
  try {
    return schema.parse(JSON.parse((await readTextIfThere(fileIn(own))) ?? '')).lineage;
  } catch {
    return undefined;
  }
}

function fileIn(own: string): string {
  return join(own, 'lineage.json');
}
