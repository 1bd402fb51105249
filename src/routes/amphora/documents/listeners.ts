import type { ListenerState, PoolState } from '../../../amphora/amphora.ts';
import {
  anyOf,
  always,
  enumOf,
  listOf,
  mapOf,
  record,
  text,
} from '../../../server/table/schema.ts';

const memberStatus = enumOf('UP', 'DOWN', 'DRAIN', 'MAINT', 'no check');
const poolStatus = enumOf('UP', 'DOWN');
const status = enumOf('ACTIVE', 'STOPPED', 'ERROR');
const type = enumOf('TCP', 'HTTP', 'TERMINATED_HTTPS', 'UDP', 'SCTP');

export const listeners = listOf(record({ status, uuid: text, type }));

/** Each member is an object of its own, as in the document of API 0.1. */
export const listenerWithList = record({
  status,
  uuid: text,
  type,
  pools: listOf(record({ uuid: text, status: poolStatus, members: listOf(mapOf(memberStatus)) })),
});

/** All members are in one object, and only an active listener has a type and pools, as in the agents of API 0.5. */
export const listenerWithMap = anyOf(
  record({
    status: always('ACTIVE'),
    uuid: text,
    type,
    pools: listOf(record({ uuid: text, status: poolStatus, members: mapOf(memberStatus) })),
  }),
  record({ status: enumOf('STOPPED', 'ERROR'), uuid: text, type: always('') }),
);

export function listenersDocument(states: readonly ListenerState[]): object[] {
  return states.map((each) => ({ status: each.status, uuid: each.id, type: each.type }));
}

export function listenerWithListDocument(state: ListenerState): object {
  return {
    status: state.status,
    uuid: state.id,
    type: state.type,
    pools: poolsOf(state.pools, (members) => members.map(([id, seen]) => ({ [id]: seen }))),
  };
}

export function listenerWithMapDocument(state: ListenerState): object {
  const { status: seen, id, type: kind, pools } = state;
  return seen === 'ACTIVE'
    ? { status: seen, uuid: id, type: kind, pools: poolsOf(pools, Object.fromEntries) }
    : { status: seen, uuid: id, type: '' };
}

function poolsOf(
  pools: readonly PoolState[],
  membersOf: (members: readonly (readonly [string, string])[]) => object,
): object[] {
  return pools.map((pool) => ({
    uuid: pool.id,
    status: pool.status,
    members: membersOf(pool.members.map((member) => [member.id, member.status] as const)),
  }));
}
