import type { Step } from '../../lab/amphora/driver.ts';
import { members, tenant } from '../../lab/amphora/networks.ts';

export interface BalancerWish {
  /** Its number among all, from 1. */
  number: number;
  listeners: number;
  firstPort: number;
}

const id = (kind: string, lb: number, number: number): string =>
  `${kind}${`${lb}`.padStart(6, '0')}-cccc-4000-8000-${`${number}`.padStart(12, '0')}`;

export const balancerId = (number: number): string => id('6a', number, 0);

/**
 * A load balancer with listeners of two members each, as a step of the driver. It has no peers, so that many of them fit on
 * one address.
 */
export function balancer({ number, listeners, firstPort }: BalancerWish): Step {
  const numbers = Array.from({ length: listeners }, (_, index) => index + 1);
  const spec = {
    id: balancerId(number),
    vip: tenant.vip.address,
    topology: 'SINGLE',
    pools: numbers.map((each) => ({
      id: id('6c', number, each),
      protocol: 'HTTP',
      members: members.slice(0, 2).map(({ address }, index) => ({
        id: id('6e', number, 10 * each + index),
        ip_address: address,
        protocol_port: 80,
        subnet_id: 'members',
      })),
    })),
    listeners: numbers.map((each) => ({
      id: id('6b', number, each),
      protocol: 'HTTP',
      protocol_port: firstPort + each,
      default_pool: id('6c', number, each),
      // The sum has to be small, because this place has 20 000 descriptors
      connection_limit: 10,
    })),
  };
  return { do: 'load_balancer', spec };
}
