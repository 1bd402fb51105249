import type { Row, Transaction, Value } from '../../controller/store/store.ts';
import { type SettingsOf, tables, wantedOf } from '../rows/objects.ts';
import { immutable, type Kind, otherRevision } from '../sentences.ts';

// The statuses of objects at the beginning of a change. Only this folder sets a status.
//
// INVARIANTS
// - A load balancer is PENDING_* exactly while its job has a change_turn.
// - Nothing below a load balancer is PENDING_* while the load balancer is not.
// - What a change touches has its turn, so that the change becomes visible as a whole or not at all.

/** A change that has the lock of its load balancer. */
export interface Turn {
  balancer: string;
  /** The revision of the load balancer that this change has made. */
  revision: number;
  /** Milliseconds since 1970. */
  now: number;
}

export interface LockOptions {
  to: 'PENDING_UPDATE' | 'PENDING_DELETE';
  ifRevision?: number | undefined;
  now: number;
  /** Milliseconds for which the change may be PENDING. */
  deadlineMs: number;
}

/**
 * Takes the lock of a load balancer: its own status. A load balancer in ERROR can be deleted only.
 * Faults: `balancer_immutable`, `version_changed`
 */
export async function lockBalancer(
  transaction: Transaction,
  balancer: Row,
  { to, ifRevision, now, deadlineMs }: LockOptions,
): Promise<Turn> {
  const id = String(balancer['id']);
  const free = to === 'PENDING_DELETE' ? `('ACTIVE', 'ERROR')` : `('ACTIVE')`;
  const locked = await transaction.run(
    `UPDATE balancer_load_balancers SET provisioning = $1, revision = revision + 1, fence = fence + 1
     WHERE id = $2 AND provisioning IN ${free}`,
    [to, id],
  );
  if (locked === 0) throw immutable(id);
  const row = await transaction.one('SELECT revision FROM balancer_load_balancers WHERE id = $1', [
    id,
  ]);
  const revision = Number(row?.['revision']);
  if (ifRevision !== undefined && ifRevision !== revision - 1)
    throw otherRevision(revision - 1, ifRevision);
  await openJob(transaction, id, revision, now + deadlineMs);
  return { balancer: id, revision, now };
}

/** Has the worker carry out a turn. What has failed before is tried again with it later. */
export async function openJob(
  transaction: Transaction,
  balancer: string,
  turn: number,
  deadlineMs: number,
): Promise<void> {
  await transaction.run(
    `INSERT INTO balancer_jobs (load_balancer, change_turn, deadline_ms, attempts, next_try_ms, why)
     VALUES ($1, $2, $3, 0, NULL, NULL)
     ON CONFLICT (load_balancer) DO UPDATE
       SET change_turn = excluded.change_turn, deadline_ms = excluded.deadline_ms`,
    [balancer, turn, deadlineMs],
  );
}

/** Has the worker look at a load balancer, without a change. */
export async function openRepetition(
  transaction: Transaction,
  balancer: string,
  now: number,
): Promise<void> {
  await transaction.run(
    `INSERT INTO balancer_jobs (load_balancer, change_turn, deadline_ms, attempts, next_try_ms, why)
     VALUES ($1, NULL, NULL, 0, $2, NULL)
     ON CONFLICT (load_balancer) DO UPDATE SET attempts = 0, next_try_ms = excluded.next_try_ms`,
    [balancer, now],
  );
}

/** What a new object has besides its settings. */
export interface NewRow<K extends Kind> {
  id: string;
  project: string;
  settings: SettingsOf[K];
  madeFrom: string | null;
  /** The columns of its kind, such as `port`. */
  keys: Readonly<Record<string, Value>>;
}

/** Adds an object, which is PENDING_CREATE. */
export async function addObject<K extends Kind>(
  transaction: Transaction,
  kind: K,
  { balancer, revision, now }: Turn,
  { id, project, settings, madeFrom, keys }: NewRow<K>,
): Promise<void> {
  const { table, id: idColumn } = tables[kind];
  const values: Record<string, Value> = {
    [idColumn]: id,
    ...(kind === 'load_balancer' ? {} : { load_balancer: balancer }),
    project,
    provisioning: 'PENDING_CREATE',
    operating: kind === 'member' ? 'NO_MONITOR' : 'OFFLINE',
    fate: 'create',
    turn: revision,
    settings: JSON.stringify(settings),
    made_from: madeFrom,
    created_ms: now,
    ...keys,
  };
  const columns = Object.keys(values);
  await transaction.run(
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((_each, at) => `$${at + 1}`).join(', ')})`,
    Object.values(values),
  );
}

/** Gives an object other wanted settings. It shows the former ones, and PENDING_UPDATE. */
export async function changeObject<K extends Kind>(
  transaction: Transaction,
  kind: K,
  { revision, now }: Turn,
  row: Row,
  { settings, keys = {} }: { settings: SettingsOf[K]; keys?: Readonly<Record<string, Value>> },
): Promise<void> {
  const { table, id } = tables[kind];
  const sets = Object.keys(keys).map((column, at) => `, ${column} = $${at + 5}`);
  await transaction.run(
    `UPDATE ${table} SET wanted = $1, turn = $2, updated_ms = $3, provisioning = 'PENDING_UPDATE',
       fate = CASE WHEN fate = 'create' THEN 'create' ELSE 'update' END${sets.join('')}
     WHERE ${id} = $4`,
    [JSON.stringify(settings), revision, now, String(row[id]), ...Object.values(keys)],
  );
}

/**
 * Gives an object other wanted settings because of a change of another object.
 * @param options.isForced also if an earlier change of the object has failed, which is then tried again with this one
 */
export async function adjustObject<K extends Kind>(
  transaction: Transaction,
  kind: K,
  { revision }: Turn,
  row: Row,
  {
    settings,
    keys,
    isForced,
  }: {
    settings: Partial<SettingsOf[K]>;
    keys: Readonly<Record<string, Value>>;
    isForced: boolean;
  },
): Promise<void> {
  const { table, id } = tables[kind];
  const sets = Object.keys(keys).map((column, at) => `, ${column} = $${at + 4}`);
  const turn = isForced ? '$2' : 'CASE WHEN fate IS NULL THEN $2 ELSE turn END';
  await transaction.run(
    `UPDATE ${table} SET wanted = $1, turn = ${turn}${sets.join('')} WHERE ${id} = $3`,
    [
      JSON.stringify({ ...wantedOf(kind, row), ...settings }),
      revision,
      String(row[id]),
      ...Object.values(keys),
    ],
  );
}

/** Has objects go. They stay until nodes do not have them any more. @param where about columns, with values from $2 on */
export async function deleteObjects(
  transaction: Transaction,
  kind: Kind,
  { revision }: Turn,
  where: string,
  values: readonly Value[],
): Promise<void> {
  await transaction.run(
    `UPDATE ${tables[kind].table} SET provisioning = 'PENDING_DELETE', fate = 'delete', turn = $1 WHERE ${where}`,
    [revision, ...values],
  );
}

/** Shows PENDING_UPDATE on listeners that a change below them concerns. One in ERROR stays so. */
export async function touchListeners(
  transaction: Transaction,
  listeners: ReadonlySet<string>,
): Promise<void> {
  for (const id of listeners) {
    await transaction.run(
      `UPDATE balancer_listeners SET provisioning = 'PENDING_UPDATE' WHERE id = $1 AND provisioning = 'ACTIVE'`,
      [id],
    );
  }
}

/** Tries again, with this change, an earlier one of an object above it that has failed. */
export async function pullIn(
  transaction: Transaction,
  kind: 'listener' | 'pool' | 'policy',
  { revision }: Turn,
  id: string,
): Promise<void> {
  await transaction.run(
    `UPDATE ${tables[kind].table} SET turn = $1, provisioning = 'PENDING_UPDATE'
     WHERE id = $2 AND provisioning = 'ERROR' AND fate IN ('create', 'update')`,
    [revision, id],
  );
}
