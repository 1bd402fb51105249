import { Fault } from '../../kit/fault.ts';
import type { Host } from '../../kit/host.ts';
import { readUnits } from '../../systemd/units.ts';
import type { Difference } from './diff/difference.ts';
import { isIn } from '../format/paths.ts';

const pacemakersOwn = '/var/lib/pacemaker';

/**
 * @param root only what is below that of the host is read by its Pacemaker
 * Faults: `pacemaker_running`, those of readUnits
 */
export async function checkPacemaker(
  host: Host,
  root: string,
  changes: readonly Pick<Difference, 'path'>[],
): Promise<void> {
  const own = changes.find(({ path }) => isIn(path, pacemakersOwn));
  if (own === undefined || root !== host.paths.alphorn.root) return;
  const [unit] = await readUnits(host, ['pacemaker.service']);
  if (unit?.activeState === 'inactive' || unit?.activeState === 'failed') return;
  throw new Fault(
    'pacemaker_running',
    `${own.path} is Pacemaker's own, and Pacemaker is running, so it would not heed it and write its own over it. Nothing was done. Stop the cluster on this node first ('pcs cluster stop'), or leave ${pacemakersOwn} out.`,
  );
}
