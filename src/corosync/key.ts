import { Fault } from '../errors.ts';
import { readFileIfThere } from '../files.ts';
import type { Host } from '../host.ts';

/**
 * The key that the nodes of the cluster know each other by, in hexadecimal.
 * Faults: `corosync_key_not_found`
 */
export async function readCorosyncKey({ paths }: Host): Promise<string> {
  const key = await readFileIfThere(paths.corosyncKey);
  if (key === undefined) {
    throw new Fault(
      'corosync_key_not_found',
      `There is no ${paths.corosyncKey} on this node. Copy it from another node of the cluster; for a new cluster 'corosync-keygen' makes one.`,
    );
  }
  return key.toString('hex');
}
