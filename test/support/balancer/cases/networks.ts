import { makeNoopNetworks } from '../../../../src/balancer/network/noop.ts';
import type { Networks } from '../../../../src/balancer/network/networks.ts';
import { makeStaticNetworks } from '../../../../src/balancer/network/static.ts';

/** The beginning of the ids that the networks of the cases do not know. */
export const unknown = 'ffffffff-0000-4000-8000-';

/** Networks with known subnets. */
export const ofCases = {
  empty: '0e000000-0000-4000-8000-000000000000',
  both: '0e000000-0000-4000-8000-000000000046',
  ipv6: '0e000000-0000-4000-8000-000000000006',
  ipv4Subnet: '5b000000-0000-4000-8000-000000000004',
  ipv6Subnet: '5b000000-0000-4000-8000-000000000006',
} as const;

/** Networks in which every other id is one too. A node is in all of them, and needs no VIP. */
export function networksOfCases(): Networks {
  const known = makeStaticNetworks([
    networkOf(ofCases.empty, []),
    networkOf(ofCases.both, [
      ['5b000000-0000-4000-8000-000000000066', '2001:db8:1::/64'],
      [ofCases.ipv4Subnet, '192.0.2.0/24'],
      ['5b000000-0000-4000-8000-000000000044', '198.51.100.0/24'],
    ]),
    networkOf(ofCases.ipv6, [[ofCases.ipv6Subnet, '2001:db8::/64']]),
  ]);
  const others = makeNoopNetworks((id) => id.startsWith(unknown));
  return {
    ...others,
    subnetFor: (wish) =>
      (wish.network?.startsWith('0e000000-') === true ? known : others).subnetFor(wish),
  };
}

function networkOf(id: string, subnets: readonly (readonly [id: string, cidr: string])[]) {
  return {
    ...{ id, name: id, interface: {} },
    subnets: subnets.map(([subnet, cidr]) => ({
      id: subnet,
      cidr,
      gateway: null,
      pools: [],
      dns: [],
    })),
  };
}
