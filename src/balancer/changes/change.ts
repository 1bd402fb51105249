import type { Row, Store, Transaction } from '../../controller/store/store.ts';
import type { Condition, Place, Scope } from '../domain.ts';
import type { FreeAddresses } from '../network/free-addresses.ts';
import type { Networks } from '../network/networks.ts';
import type { Quota } from '../objects.ts';
import { type FoundPlace, findPlace } from '../rows/find.ts';
import type { Placer } from '../placing/placing.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { notFound } from '../sentences.ts';
import { lockBalancer, type Turn } from '../state/changing.ts';

/** What changes need. */
export interface ChangeParts {
  store: Store;
  networks: Networks;
  freeAddresses: FreeAddresses;
  secrets: Secrets;
  placer: Placer;
  defaultQuota: Quota;
  /** Milliseconds since 1970. */
  clock: () => number;
  /** Milliseconds for which a change may be PENDING. */
  deadlineMs: number;
  /** Called after each transaction that has changed a load balancer. */
  onChanged: (balancer: string) => void;
}

/** A change of something below a load balancer, in its transaction. */
export interface Change extends FoundPlace {
  parts: ChangeParts;
  transaction: Transaction;
  scope: Scope;
  /** The id of the load balancer. */
  id: string;
  now: number;
  /** Takes the load balancer for this change. Faults: `balancer_immutable`, `version_changed` */
  lock: (to?: 'PENDING_UPDATE' | 'PENDING_DELETE') => Promise<Turn>;
}

/**
 * Carries out a change in one transaction, and has the worker begin after it. A work that does not take the lock changes
 * nothing.
 * Faults: `balancer_object_not_found` for what the place names, those of the work and of Store
 */
export async function changeIn<T>(
  parts: ChangeParts,
  { scope, place, condition }: { scope: Scope; place: Place; condition: Condition | undefined },
  work: (change: Change) => Promise<T>,
): Promise<T> {
  const { store, clock, deadlineMs, onChanged } = parts;
  const state: { locked: string | undefined } = { locked: undefined };
  const result = await store.write(async (transaction) => {
    const now = clock();
    const found = await findPlace(transaction, scope, place, now);
    const id = String(found.balancer['id']);
    // It is shown for a while, and nothing can be done to it.
    if (found.balancer['provisioning'] === 'DELETED')
      throw notFound('load_balancer', place.loadBalancer);
    return work({
      ...found,
      parts,
      transaction,
      scope,
      id,
      now,
      async lock(to = 'PENDING_UPDATE') {
        const turn = await lockBalancer(transaction, found.balancer, {
          to,
          ifRevision: condition?.ifRevision,
          now,
          deadlineMs,
        });
        state.locked = id;
        return turn;
      },
    });
  });
  if (state.locked !== undefined) onChanged(state.locked);
  return result;
}

/** Reads a row that the transaction has just written. */
export async function written(
  { transaction }: Pick<Change, 'transaction'>,
  table: string,
  id: string,
  column = 'id',
): Promise<Row> {
  const row = await transaction.one(`SELECT * FROM ${table} WHERE ${column} = $1`, [id]);
  if (row === undefined) throw new Error(`${table} has no row ${id} that was just written`);
  return row;
}
