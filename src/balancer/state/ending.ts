import type { Transaction } from '../../controller/store/store.ts';
import { kindsUpwards, tables } from '../rows/objects.ts';
import type { Kind } from '../sentences.ts';

// The statuses of objects at the end of a change.

export interface Ended {
  balancer: string;
  /** The turns that all nodes which answer have now. */
  turns: readonly number[];
  /** Whether one of them is the change that has the lock. */
  isChange: boolean;
}

const pending = `('PENDING_CREATE', 'PENDING_UPDATE', 'PENDING_DELETE')`;
const withOperating: readonly Kind[] = ['load_balancer', 'listener', 'pool', 'member'];

/** Makes the wanted values of turns visible, and removes what was to go. The load balancer itself stays. */
export async function endDone(
  transaction: Transaction,
  { balancer, turns, isChange }: Ended,
): Promise<void> {
  const list = turns.map((_each, at) => `$${at + 2}`).join(', ');
  const values = [balancer, ...turns];
  // A rule of a listener that goes refers to it, so what refers goes first.
  await transaction.run(
    `DELETE FROM balancer_statistics WHERE listener IN
       (SELECT id FROM balancer_listeners WHERE load_balancer = $1 AND fate = 'delete' AND turn IN (${list}))`,
    values,
  );
  for (const kind of kindsUpwards) {
    await transaction.run(
      `DELETE FROM ${tables[kind].table} WHERE load_balancer = $1 AND fate = 'delete' AND turn IN (${list})`,
      values,
    );
  }
  for (const kind of [...kindsUpwards, 'load_balancer'] as const) {
    const { table, balancer: column } = tables[kind];
    const operating = withOperating.includes(kind)
      ? `, operating = CASE WHEN operating = 'ERROR' AND fate = 'create' THEN '${kind === 'member' ? 'NO_MONITOR' : 'OFFLINE'}' ELSE operating END`
      : '';
    await transaction.run(
      `UPDATE ${table} SET settings = COALESCE(wanted, settings)${operating}, wanted = NULL, fate = NULL,
         turn = NULL, provisioning = 'ACTIVE'
       WHERE ${column} = $1 AND turn IN (${list})`,
      values,
    );
    if (isChange) await endPending(transaction, kind, balancer);
  }
}

/** Shows ERROR on what a change was of, with its former values, and ACTIVE on what is above it. */
export async function endFailed(
  transaction: Transaction,
  balancer: string,
  turn: number,
): Promise<void> {
  for (const kind of [...kindsUpwards, 'load_balancer'] as const) {
    const { table, balancer: column } = tables[kind];
    // What never ran is not on a node.
    const operating = withOperating.includes(kind)
      ? `, operating = CASE WHEN fate = 'create' THEN 'ERROR' ELSE operating END`
      : '';
    await transaction.run(
      `UPDATE ${table} SET provisioning = 'ERROR'${operating} WHERE ${column} = $1 AND turn = $2 AND fate IS NOT NULL`,
      [balancer, turn],
    );
    await endPending(transaction, kind, balancer);
  }
}

async function endPending(transaction: Transaction, kind: Kind, balancer: string): Promise<void> {
  const { table, balancer: column } = tables[kind];
  await transaction.run(
    `UPDATE ${table} SET provisioning = CASE WHEN fate IS NULL THEN 'ACTIVE' ELSE 'ERROR' END
     WHERE ${column} = $1 AND provisioning IN ${pending}`,
    [balancer],
  );
}

/** Leaves only the row of a load balancer, which is shown as DELETED for a while. */
export async function endDeleted(
  transaction: Transaction,
  balancer: string,
  now: number,
): Promise<void> {
  await transaction.run(
    `DELETE FROM balancer_statistics WHERE listener IN (SELECT id FROM balancer_listeners WHERE load_balancer = $1)`,
    [balancer],
  );
  for (const kind of kindsUpwards) {
    await transaction.run(`DELETE FROM ${tables[kind].table} WHERE load_balancer = $1`, [balancer]);
  }
  await transaction.run(
    `UPDATE balancer_load_balancers SET provisioning = 'DELETED', operating = 'OFFLINE', fate = NULL,
       turn = NULL, wanted = NULL, deleted_ms = $2 WHERE id = $1`,
    [balancer, now],
  );
}

/** Says that a load balancer runs on a part of its nodes, until heartbeats say more. */
export async function endDegraded(transaction: Transaction, balancer: string): Promise<void> {
  await transaction.run(
    `UPDATE balancer_load_balancers SET operating = 'DEGRADED' WHERE id = $1 AND operating <> 'ERROR'`,
    [balancer],
  );
}
