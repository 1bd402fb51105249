import type { BalancerDomain } from '../../balancer/domain.ts';
import type { Fields } from '../../server/table/field.ts';
import type { Row } from '../../server/table/row.ts';
import { collectionRows } from './collection.ts';
import type { MakeChange } from './change.ts';
import { memberDocument, poolDocument } from './documents/objects.ts';
import { memberSchema, poolSchema, poolTreeSchema } from './documents/schemas.ts';
import { poolTreeDocument } from './documents/trees.ts';
import { argument, once, parameter, pathId } from './fields/checking.ts';
import { projectIn } from './fields/common.ts';
import {
  memberChange,
  memberChangeOf,
  newMember,
  newMemberOf,
  newPool,
  newPoolOf,
  poolChange,
  poolChangeOf,
} from './fields/pool.ts';
import { textUpTo } from './fields/values.ts';
import { ofListener, oneListener } from './listeners.ts';
import { sortKeys } from './lists.ts';
import { one } from './load-balancers.ts';
import { monitorRows } from './monitors.ts';

export const ofPool = { pool: pathId('Pool') };

/**
 * The routes of pools and of what is below them. A pool is below its load balancer; the path of a listener that uses it
 * means the same pool.
 */
export function poolRows(domain: BalancerDomain, changing: MakeChange): Row[] {
  return [
    ...rowsBelow(domain, changing, one, {}),
    ...rowsBelow(domain, changing, oneListener, ofListener),
  ];
}

function rowsBelow(
  domain: BalancerDomain,
  changing: MakeChange,
  base: string,
  above: Fields,
): Row[] {
  const { pools, members } = domain;
  const path = `${base}/pools`;
  const onePool = `${path}/:pool`;
  const isBelowListener = 'listener' in above;
  return [
    ...collectionRows(domain, changing, {
      path,
      noun: 'pool',
      a: 'a pool',
      plural: 'pools of a load balancer or of a listener',
      above,
      ...(!isBelowListener && {
        filter: { listener_id: parameter(once(textUpTo(255))) },
      }),
      itself: ofPool,
      key: 'pool',
      sortKeys: sortKeys.pools,
      sent: {
        new: argument('pool', newPool, projectIn),
        change: argument('pool', poolChange),
      },
      schemas: { one: poolSchema, created: poolTreeSchema },
      objects: pools,
      create: (sent, { scope, place, condition }) =>
        pools.create(scope, place, newPoolOf(sent, sent.listener_id ?? place.listener), condition),
      change: (id, sent, { scope, place, condition }) =>
        pools.change(scope, place, id, poolChangeOf(sent), condition),
      document: poolDocument,
      createdDocument: poolTreeDocument,
      createdId: ({ pool }) => pool.id,
    }),
    ...monitorRows(domain, changing, onePool, { ...above, ...ofPool }),
    ...collectionRows(domain, changing, {
      path: `${onePool}/members`,
      noun: 'member',
      a: 'a member of a pool',
      plural: 'members of a pool',
      above: { ...above, ...ofPool },
      itself: { member: pathId('Member') },
      key: 'member',
      sortKeys: sortKeys.members,
      sent: {
        new: argument('member', newMember, projectIn),
        change: argument('member', memberChange),
      },
      schemas: { one: memberSchema, created: memberSchema },
      objects: members,
      create: (sent, { scope, place, condition }) =>
        members.create(scope, place, newMemberOf(sent), condition),
      change: (id, sent, { scope, place, condition }) =>
        members.change(scope, place, id, memberChangeOf(sent), condition),
      document: memberDocument,
      createdDocument: memberDocument,
      createdId: ({ id }) => id,
    }),
  ];
}
