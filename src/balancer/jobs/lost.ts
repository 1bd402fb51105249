import type { Store } from '../../controller/store/store.ts';
import type { Deployer, PlacedBalancer } from '../deploying.ts';
import { settingsOf, textOrNull } from '../rows/objects.ts';
import { openRepetition } from '../state/changing.ts';

const lostText = 'Its host has lost a part of it, as after a reboot, or runs something else.';

/**
 * Opens a job for each load balancer that a node should run and has lost: its host was booted without the files that are
 * in memory, or it runs what is not in the store.
 * @param now milliseconds since 1970
 * @returns these load balancers. Faults: `node_unreachable`, `node_refused`, those of Store
 */
export async function reopenLost(
  { store, deployer }: { store: Store; deployer: Pick<Deployer, 'lostOn'> },
  node: number,
  now: number,
): Promise<readonly string[]> {
  const placed = await placedOn(store, node);
  if (placed.length === 0) return [];
  const lost = (await deployer.lostOn?.(node, placed)) ?? [];
  for (const balancer of lost) {
    await store.write(async (transaction) => {
      const found = await transaction.run(
        // A change that has ended since the node was asked shows in the digest.
        `UPDATE balancer_placements SET why = $1
         WHERE load_balancer = $2 AND node = $3 AND COALESCE(digest, '') = $4`,
        [lostText, balancer, node, placed.find(({ id }) => id === balancer)?.digest ?? ''],
      );
      if (found > 0) await openRepetition(transaction, balancer, now);
    });
  }
  return lost;
}

/** The load balancers that a node has as far as the store knows, and that have something to run. */
async function placedOn(store: Store, node: number): Promise<PlacedBalancer[]> {
  const rows = await store.all(
    `SELECT l.load_balancer, l.settings, b.settings AS above, p.digest FROM balancer_listeners l
     JOIN balancer_load_balancers b ON b.id = l.load_balancer
     JOIN balancer_placements p ON p.load_balancer = b.id
     WHERE p.node = $1 AND p.why IS NULL AND b.provisioning NOT IN ('DELETED', 'PENDING_DELETE')`,
    [node],
  );
  const found = new Map<string, PlacedBalancer>();
  for (const row of rows) {
    const listener = settingsOf('listener', row);
    const { isEnabled } = JSON.parse(String(row['above'])) as { isEnabled: boolean };
    if (!isEnabled || !listener.isEnabled) continue;
    const id = String(row['load_balancer']);
    const hasCertificates =
      found.get(id)?.hasCertificates === true || listener.protocol === 'TERMINATED_HTTPS';
    const digest = textOrNull(row, 'digest') ?? '';
    found.set(id, { id, hasCertificates, ...(digest !== '' && { digest }) });
  }
  return [...found.values()];
}
