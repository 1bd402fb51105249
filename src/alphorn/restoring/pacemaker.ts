import { Fault } from '../../kit/fault.ts';
import type { AlphornHost } from '../paths.ts';
import { readUnits } from '../../systemd/units.ts';
import type { Difference } from './diff/difference.ts';
import { isIn } from '../format/paths.ts';

const pacemakersOwn = '/var/lib/pacemaker';

/**
 * Refuses to change Pacemaker's own files while it runs.
 * @param root where to restore; this host's Pacemaker only reads files below the host's own root
 * Faults: `pacemaker_running`, those of readUnits
 */
export async function checkPacemaker(
  host: AlphornHost,
  root: string,
  changes: readonly Pick<Difference, 'path'>[],
): Promise<void> {
  const own = changes.find(({ path }) => isIn(path, pacemakersOwn));
  if (own === undefined || root !== host.paths.alphorn.root) return;
  const [unit] = await readUnits(host, ['pacemaker.service']);
  if (unit?.activeState === 'inactive' || unit?.activeState === 'failed') return;
  throw new Fault(
    'pacemaker_running',
    `${own.path} belongs to Pacemaker, which is running: it would ignore the restored file and overwrite it. Nothing was done. Stop the cluster on this node first ('pcs cluster stop'), or leave ${pacemakersOwn} out.`,
  );
}
