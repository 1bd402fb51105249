import { createHash } from 'node:crypto';

import type { BalancerDomain, Page, Place, Scope } from '../../balancer/domain.ts';
import type { FaultCode } from '../../kit/fault.ts';
import type { Fields, JsonSchema, ValuesOf } from '../../server/table/field.ts';
import type { Reply, Row } from '../../server/table/row.ts';
import { listOf } from '../../server/table/schema.ts';
import { read } from '../common/read.ts';
import { scopeOf } from './change.ts';
import { pageOf, paging } from './lists.ts';

/** A list below a load balancer. */
export interface ListRoute<F extends Fields, T> {
  path: string;
  summary: string;
  fields: F;
  schema: JsonSchema;
  keys: readonly string[];
  list: (values: ValuesOf<F>, page: Page, scope: Scope) => Promise<readonly T[]>;
  document: (of: T) => object;
  codes?: readonly FaultCode[];
}

export function listRow<F extends Fields, T>({
  fields,
  schema,
  keys,
  list,
  document,
  codes = [],
  ...rest
}: ListRoute<F, T>): Row {
  return read<Fields>({
    ...rest,
    fields: { ...fields, ...paging },
    schema: listOf(schema),
    codes: ['balancer_object_not_found', 'store_unavailable', ...codes],
    async handle(values, call) {
      const page = pageOf(values, keys);
      const found = await list(values as ValuesOf<F>, page, scopeOf(call));
      return { body: found.map((each) => document(each)) };
    },
  });
}

/** One object of a load balancer, with an ETag of its revision. */
export interface ObjectRoute<F extends Fields> {
  path: string;
  summary: string;
  fields: F;
  schema: JsonSchema;
  get: (values: ValuesOf<F>, scope: Scope) => Promise<object>;
}

export function objectRow<F extends Fields>(
  { loadBalancers }: Pick<BalancerDomain, 'loadBalancers'>,
  { get, ...rest }: ObjectRoute<F>,
): Row {
  return read<Fields>({
    ...rest,
    codes: ['balancer_object_not_found', 'store_unavailable'],
    headers: {
      ETag: 'For the If-Match of the next change, or the If-None-Match of the next read.',
    },
    async handle(values, call) {
      const scope = scopeOf(call);
      // Read before the object, so that the object is never older than the revision that stands for it.
      const { revision } = await loadBalancers.get(scope, String(values['loadbalancer']));
      return tagged(revision, await get(values as ValuesOf<F>, scope));
    },
  });
}

/** The digest tells of changes that are no change of the configuration, such as a new operating status. */
export function tagged(revision: number, body: object): Reply {
  const text = JSON.stringify(body);
  const digest = createHash('sha256').update(text).digest('base64url').slice(0, 16);
  return { text, headers: { ETag: `"${revision}-${digest}"` } };
}

/** The objects above one, by the ids in the path. */
export function placeOf(values: {
  loadbalancer: string;
  listener?: string;
  pool?: string;
  l7policy?: string;
}): Place {
  const { loadbalancer: loadBalancer, listener, pool, l7policy: policy } = values;
  return {
    loadBalancer,
    ...(listener !== undefined && { listener }),
    ...(pool !== undefined && { pool }),
    ...(policy !== undefined && { policy }),
  };
}
