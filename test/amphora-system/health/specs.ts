import { createHash } from 'node:crypto';

import type { Step } from '../../lab/amphora/driver.ts';
import { members } from '../../lab/amphora/networks.ts';
import { memberIn, traffic } from '../balancer.ts';

interface Pool {
  id: string;
  members: readonly Record<string, unknown>[];
}

interface Spec {
  pools: readonly Pool[];
  listeners: readonly Record<string, unknown>[];
}

/** The same load balancer with the second member of its HTTP pool drained. */
export function drained(balancer: Step): Step {
  const spec = balancer['spec'] as Spec;
  const pools = spec.pools.map((pool) => ({
    ...pool,
    members: pool.members.map((member) =>
      member['id'] === memberIn('http', 1) ? { ...member, weight: 0 } : member,
    ),
  }));
  return { ...balancer, spec: { ...spec, pools } };
}

/** As random as the ids of a controller: heartbeats are compressed, and the same in each run. */
function manyId(kind: string, number: number): string {
  const hex = createHash('sha256').update(`${kind} ${number}`).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}

/** The ids of a load balancer with many listeners. */
export const manyListener = (number: number): string => manyId('listener', number);

/** The load balancer with so many listeners of two members, in the place of its own. */
export function many(balancer: Step, count: number): Step {
  const numbers = Array.from({ length: count }, (_, index) => index);
  const spec = balancer['spec'] as Spec;
  return {
    ...balancer,
    spec: {
      ...spec,
      pools: numbers.map((number) => ({
        id: manyId('pool', number),
        protocol: 'TCP',
        members: [0, 1].map((index) => ({
          id: manyId(`member ${index}`, number),
          ip_address: members[index]?.address,
          protocol_port: 7,
          subnet_id: 'members',
        })),
      })),
      listeners: numbers.map((number) => ({
        id: manyListener(number),
        protocol: 'TCP',
        protocol_port: 10_000 + number,
        default_pool: manyId('pool', number),
        connection_limit: 10,
      })),
    },
  };
}

/** The load balancer with further listeners, which share its TCP pool. */
export function withExtra(balancer: Step, numbers: readonly number[]): Step {
  const spec = balancer['spec'] as Spec;
  const extra = numbers.map((number) => ({
    id: manyListener(number),
    protocol: 'TCP',
    protocol_port: 9000 + number,
    default_pool: traffic.pools.tcp,
    connection_limit: 10,
  }));
  return { ...balancer, spec: { ...spec, listeners: [...spec.listeners, ...extra] } };
}
