import type { Row, Transaction } from '../../controller/store/store.ts';

// The rows about where a load balancer is.

/** Has the next job wait until keepalived of these nodes runs what the rows say. */
export async function addDue(
  transaction: Transaction,
  balancer: string,
  nodes: readonly number[],
): Promise<void> {
  const row = await findRow(transaction, balancer);
  const due = JSON.stringify([...new Set([...dueOf(row), ...nodes])]);
  await transaction.run('UPDATE balancer_load_balancers SET vrrp_due = $1 WHERE id = $2', [
    due,
    balancer,
  ]);
}

/** The nodes whose keepalived a change of a load balancer concerns. */
export function dueOf(balancer: Row | undefined): number[] {
  const due = balancer?.['vrrp_due'] ?? null;
  return due === null ? [] : (JSON.parse(String(due)) as number[]);
}

/** Remembers that a node is to lose a load balancer. */
export async function addLeaving(
  transaction: Transaction,
  balancer: string,
  node: number,
): Promise<void> {
  await transaction.run(
    `INSERT INTO balancer_leavings (load_balancer, node) VALUES ($1, $2)
     ON CONFLICT (load_balancer, node) DO NOTHING`,
    [balancer, node],
  );
}

/** The row of a load balancer. */
export function findRow(transaction: Transaction, balancer: string): Promise<Row | undefined> {
  return transaction.one('SELECT * FROM balancer_load_balancers WHERE id = $1', [balancer]);
}

/** The placements of a load balancer, the one that is to have the VIP first. */
export function placementsOf(transaction: Transaction, balancer: string): Promise<Row[]> {
  return transaction.all(
    'SELECT * FROM balancer_placements WHERE load_balancer = $1 ORDER BY rank',
    [balancer],
  );
}
