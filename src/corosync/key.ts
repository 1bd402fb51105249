import { join } from 'node:path';

import { Fault } from '../kit/fault.ts';
import { runToSuccess } from '../kit/exec.ts';
import { readFileIfThere, replaceKeepingPrevious } from '../kit/files/files.ts';
import type { CorosyncHost } from './paths.ts';
import { inMemoryFolder } from '../kit/files/memory-files.ts';
import { memoryFolder } from '../kit/paths.ts';

/**
 * The key by which the nodes of the cluster authenticate each other, in hexadecimal.
 * Faults: `corosync_key_not_found`
 */
export async function readCorosyncKey({ paths }: CorosyncHost): Promise<string> {
  const key = await readFileIfThere(paths.corosyncKey);
  if (key === undefined) {
    throw new Fault(
      'corosync_key_not_found',
      `There is no ${paths.corosyncKey} on this node. Copy it from another node of the cluster; for a new cluster 'corosync-keygen' makes one.`,
    );
  }
  return key.toString('hex');
}

/** Only root may read it, as after corosync-keygen(8). */
const keyMode = 0o400;

/** Replaces the key. */
export async function writeCorosyncKey({ paths }: CorosyncHost, key: Buffer): Promise<void> {
  await replaceKeepingPrevious(paths.corosyncKey, key, keyMode);
}

/**
 * Makes a new key and replaces the present one.
 * @returns what corosync-keygen(8) prints
 * Faults: `tool_failed`, `no_space`, those of Run.
 */
export async function generateCorosyncKey(host: CorosyncHost): Promise<string> {
  const { corosyncKey } = host.paths;
  // corosync-keygen would write the file in place. On a full disk, it would end with only an exit code. So it writes to
  // memory.
  return inMemoryFolder(memoryFolder, async (folder) => {
    const fresh = join(folder, 'authkey');
    const text = await runToSuccess(
      host.run,
      { argv: ['corosync-keygen', '-k', fresh], deadlineMs: host.changeDeadlineMs },
      "No key was made; the one that was there is untouched. What corosync-keygen says is in 'stderr'.",
    );
    const key = await readFileIfThere(fresh);
    if (key === undefined) throw new Error('corosync-keygen made no key');
    await writeCorosyncKey(host, key);
    return text.replaceAll(fresh, corosyncKey);
  });
}
