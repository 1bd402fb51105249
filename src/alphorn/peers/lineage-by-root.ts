import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import * as z from 'zod';

import { makeFolder, readTextIfThere, replaceFile } from '../../kit/files/files.ts';

// A host that was rolled back has an older state than its destinations, which keep the newer one. Only root can decide
// which of the two counts. To choose this host's state, root begins a new count of generations. Its lineage is in this
// file.

const schema = z.strictObject({ lineage: z.string().regex(/^[0-9a-f]{32}$/) });

/**
 * Declares that the present state of this host counts from the next round on.
 * @param own the folder of the own liferaft
 */
export async function beginLineageByRoot(own: string): Promise<void> {
  await makeFolder(own);
  const lineage = randomBytes(16).toString('hex');
  await replaceFile(fileIn(own), `${JSON.stringify({ lineage })}\n`, 0o600);
}

/** The last lineage that root has begun; undefined if there is none, or it cannot be read. */
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
