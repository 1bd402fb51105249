import type { Row, Transaction } from '../../controller/store/store.ts';
import { pullIn, touchListeners, type Turn } from '../state/changing.ts';

/** The ids of the listeners that use a pool, by default or by a policy. */
export async function listenersOf(transaction: Transaction, pool: string): Promise<Set<string>> {
  const rows = await transaction.all(
    `SELECT id FROM balancer_listeners WHERE default_pool = $1
     UNION SELECT listener AS id FROM balancer_policies WHERE redirect_pool = $1`,
    [pool],
  );
  return new Set(rows.map(({ id }) => String(id)));
}

/**
 * Shows a change below a pool on the listeners that use it, and tries the pool again with it if it has failed.
 * @param inPath the listener that the path of the request names
 */
export async function concern(
  transaction: Transaction,
  turn: Turn,
  pool: string,
  inPath: Row | undefined,
): Promise<void> {
  await pullIn(transaction, 'pool', turn, pool);
  const listeners = await listenersOf(transaction, pool);
  if (inPath) listeners.add(String(inPath['id']));
  await touchListeners(transaction, listeners);
}
