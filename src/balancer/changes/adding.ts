import { createHash, randomUUID } from 'node:crypto';

import type { Row, Transaction, Value } from '../../controller/store/store.ts';
import type { Claim } from '../domain.ts';
import type { QuotaKind } from '../objects.ts';
import { type SettingsOf, tables } from '../rows/objects.ts';
import { type Kind, taken } from '../sentences.ts';
import { addObject, type Turn } from '../state/changing.ts';
import type { ChangeParts } from './change.ts';
import { demandQuota } from './quotas.ts';

/** A turn with what adding objects needs. */
export interface Adding extends Turn {
  transaction: Transaction;
  parts: ChangeParts;
  /** Whose new objects are, unless they say otherwise. */
  project: string;
}

/** Whose a new object is. */
export function projectOf({ project }: Claim, otherwise: string): string {
  return project ?? otherwise;
}

/**
 * The row that a request with an id of its own has made before. Then the request is done.
 * @param above what the object is below of, which belongs to the request
 * @returns undefined if nothing has the id. Faults: `balancer_conflict` if something else has it
 */
export async function findRepeated(
  transaction: Transaction,
  kind: Exclude<Kind, 'health_monitor'>,
  { id }: Claim,
  madeFrom: string,
): Promise<Row | undefined> {
  if (id === undefined) return undefined;
  const row = await transaction.one(`SELECT * FROM ${tables[kind].table} WHERE id = $1`, [
    id.toLowerCase(),
  ]);
  if (row && row['made_from'] !== madeFrom)
    throw taken('Already an entity with that specified id.');
  return row;
}

/** A digest of a request and of the place that it was for. Secrets in it do not show. */
export function digestOf(...parts: readonly unknown[]): string {
  return createHash('sha256').update(canonical(parts)).digest('hex');
}

/** JSON whose keys are in the order of their characters. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const entries = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(',')}}`;
}

const quotaOf: Partial<Record<Kind, QuotaKind>> = {
  listener: 'listener',
  pool: 'pool',
  member: 'member',
  health_monitor: 'health_monitor',
};

/**
 * Adds an object below a load balancer.
 * @returns its id. Faults: `balancer_quota_met`, `balancer_conflict` if its id is taken
 */
export async function add<K extends Exclude<Kind, 'load_balancer'>>(
  adding: Adding,
  kind: K,
  {
    claim,
    settings,
    keys,
    madeFrom,
  }: {
    claim: Claim;
    settings: SettingsOf[K];
    keys: Readonly<Record<string, Value>>;
    /** The digest of the request; undefined below a tree. */
    madeFrom?: string | undefined;
  },
): Promise<string> {
  const { transaction, parts } = adding;
  const id = claim.id?.toLowerCase() ?? randomUUID();
  const project = projectOf(claim, adding.project);
  if (claim.id !== undefined) {
    const { table, id: column } = tables[kind];
    const other = await transaction.one(`SELECT 1 AS found FROM ${table} WHERE ${column} = $1`, [
      id,
    ]);
    if (other) throw taken('Already an entity with that specified id.');
  }
  const quota = quotaOf[kind];
  if (quota) await demandQuota(transaction, parts.defaultQuota, project, quota);
  await addObject(transaction, kind, adding, {
    id,
    project,
    settings,
    madeFrom: madeFrom ?? null,
    keys,
  });
  return id;
}
