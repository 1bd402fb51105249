import type { Reading, Row } from '../../controller/store/store.ts';
import type { Place, Scope } from '../domain.ts';
import { type Kind, notFound } from '../sentences.ts';
import { tables } from './objects.ts';

/** How long a deleted load balancer is shown by its id. */
export const deletedMs = 600_000;

/** The row of a load balancer, also of a deleted one. Faults: `balancer_object_not_found` */
export async function findBalancer(
  reading: Reading,
  { tenant }: Scope,
  id: string,
  now: number,
): Promise<Row> {
  const row = await reading.one('SELECT * FROM balancer_load_balancers WHERE id = $1', [
    id.toLowerCase(),
  ]);
  const isOver =
    row?.['provisioning'] === 'DELETED' && Number(row['deleted_ms']) + deletedMs <= now;
  const isForeign = tenant !== undefined && row?.['project'] !== tenant;
  if (row === undefined || isOver || isForeign) throw notFound('load_balancer', id);
  return row;
}

/** The row of an object of a load balancer. Faults: `balancer_object_not_found` */
export async function findObject(
  reading: Reading,
  kind: Exclude<Kind, 'load_balancer'>,
  balancer: string,
  id: string,
): Promise<Row> {
  const { table, id: column } = tables[kind];
  const row = await reading.one(
    `SELECT * FROM ${table} WHERE ${column} = $1 AND load_balancer = $2`,
    [id.toLowerCase(), balancer],
  );
  if (row === undefined) throw notFound(kind, id);
  return row;
}

/** The rows that a path names. */
export interface FoundPlace {
  balancer: Row;
  listener: Row | undefined;
  pool: Row | undefined;
  policy: Row | undefined;
}

/** Faults: `balancer_object_not_found`, that of the first that is not there */
export async function findPlace(
  reading: Reading,
  scope: Scope,
  place: Place,
  now: number,
): Promise<FoundPlace> {
  const balancer = await findBalancer(reading, scope, place.loadBalancer, now);
  const id = String(balancer['id']);
  const find = (kind: 'listener' | 'pool' | 'policy', named: string | undefined) =>
    named === undefined ? undefined : findObject(reading, kind, id, named);
  const listener = await find('listener', place.listener);
  const pool = await find('pool', place.pool);
  const policy = await find('policy', place.policy);
  if (policy && listener && policy['listener'] !== listener['id'])
    throw notFound('policy', place.policy ?? '');
  return { balancer, listener, pool, policy };
}

/** All rows of one load balancer. */
export interface BalancerRows {
  balancer: Row;
  listeners: readonly Row[];
  pools: readonly Row[];
  members: readonly Row[];
  monitors: readonly Row[];
  /** In the order of their wanted positions. */
  policies: readonly Row[];
  rules: readonly Row[];
  /** The one that is to have the VIP first. */
  placements: readonly Row[];
}

/** All rows of a load balancer, in the order in which they were made; undefined if there is none. */
export async function readTree(reading: Reading, id: string): Promise<BalancerRows | undefined> {
  const of = (kind: Kind, order: string) =>
    reading.all(`SELECT * FROM ${tables[kind].table} WHERE load_balancer = $1 ORDER BY ${order}`, [
      id,
    ]);
  // They are asked together, so that no transaction comes between two reads of a store.
  const [balancer, listeners, pools, members, monitors, policies, rules, placements] =
    await Promise.all([
      reading.one('SELECT * FROM balancer_load_balancers WHERE id = $1', [id]),
      of('listener', 'created_ms, id'),
      of('pool', 'created_ms, id'),
      of('member', 'created_ms, id'),
      of('health_monitor', 'created_ms, pool'),
      of('policy', 'listener, position, created_ms, id'),
      of('rule', 'created_ms, id'),
      reading.all('SELECT * FROM balancer_placements WHERE load_balancer = $1 ORDER BY rank', [id]),
    ]);
  return balancer && { balancer, listeners, pools, members, monitors, policies, rules, placements };
}
