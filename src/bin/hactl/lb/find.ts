import { Fault } from '../../../kit/fault.ts';
import type { BalancerClient } from './client.ts';
import {
  balancer,
  hostOf,
  member,
  nameOf,
  node,
  pool,
  type ShownBalancer,
  type ShownMember,
  type ShownNode,
  type ShownPool,
} from './shown.ts';

export const balancersPath = '/loadbalancers';

export function pathOf({ id }: { id: string }): string {
  return `${balancersPath}/${id}`;
}

/**
 * The load balancer that a command is about.
 * @param wanted its name or its id
 * Faults: `balancer_object_not_found`, `balancer_conflict` if several have the name, those of the client
 */
export async function findBalancer(client: BalancerClient, wanted: string): Promise<ShownBalancer> {
  const found = onlyOf(await client.list(balancersPath, balancer), wanted, 'load balancers');
  if (found) return found;
  throw new Fault(
    'balancer_object_not_found',
    `There is no load balancer '${wanted}'. 'hactl lb list' shows the load balancers.`,
  );
}

/**
 * The pool that a command is about.
 * @param wanted its name or its id; undefined for the only pool
 * Faults: as findBalancer
 */
export async function findPool(
  client: BalancerClient,
  of: ShownBalancer,
  wanted: string | undefined,
): Promise<ShownPool & { path: string }> {
  const pools = await client.list(`${pathOf(of)}/pools`, pool);
  const found = wanted === undefined ? pools[0] : onlyOf(pools, wanted, 'pools');
  const names = pools.map(nameOf).join(', ');
  if (found === undefined) {
    throw new Fault(
      'balancer_object_not_found',
      names === ''
        ? `The load balancer ${nameOf(of)} has no pool. Make one by the API, or the load balancer again with --member.`
        : `The load balancer ${nameOf(of)} has no pool '${wanted}'. It has ${names}.`,
    );
  }
  if (wanted === undefined && pools.length > 1) {
    throw new Fault(
      'balancer_conflict',
      `The load balancer ${nameOf(of)} has several pools: ${names}. Name one with --pool.`,
    );
  }
  return { ...found, path: `${pathOf(of)}/pools/${found.id}` };
}

/**
 * The member that a command is about.
 * @param wanted its address and port, or its id
 * Faults: `balancer_object_not_found`, those of the client
 */
export async function findMember(
  client: BalancerClient,
  { path }: { path: string },
  wanted: string,
): Promise<ShownMember> {
  const members = await client.list(`${path}/members`, member);
  const found = members.find((each) => each.id === wanted || hostOf(each) === wanted);
  if (found) return found;
  const [some] = members;
  throw new Fault(
    'balancer_object_not_found',
    `The pool has no member '${wanted}'. ${some ? `Its members are ${members.map(hostOf).join(', ')}.` : 'It has no members.'}`,
  );
}

/** Faults: `balancer_object_not_found`, those of the client */
export async function findNode(client: BalancerClient, wanted: string): Promise<ShownNode> {
  const nodes = await nodesOf(client);
  // A name may consist of digits, so names come first.
  const found =
    nodes.find(({ name }) => name === wanted) ?? nodes.find(({ id }) => `${id}` === wanted);
  if (found) return found;
  throw new Fault(
    'balancer_object_not_found',
    `There is no node '${wanted}' that carries load balancers. 'hactl lb node list' lists them.`,
  );
}

export async function nodesOf(client: BalancerClient): Promise<ShownNode[]> {
  return client.get('/nodes', node.array());
}

/** Names need not be unique in the API. Faults: `balancer_conflict` */
function onlyOf<T extends { id: string; name: string | null }>(
  all: readonly T[],
  wanted: string,
  kind: string,
): T | undefined {
  const named = all.filter(({ name }) => name === wanted);
  if (named.length > 1) {
    throw new Fault(
      'balancer_conflict',
      `Several ${kind} have the name '${wanted}'. Use an id: ${named.map(({ id }) => id).join(', ')}.`,
    );
  }
  return named[0] ?? all.find(({ id }) => id === wanted.toLowerCase());
}
