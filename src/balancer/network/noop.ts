import { createHash } from 'node:crypto';

import { invalid } from '../sentences.ts';
import type { Networks, SubnetForVip } from './networks.ts';

/**
 * Networks for tests: every id is one, and every node is in it. No VIP is given to a node. Addresses are those for
 * benchmarks, 198.18.0.0/15 (RFC 2544, appendix C).
 * @param isUnknown the ids that are refused all the same
 */
export function makeNoopNetworks(isUnknown: (id: string) => boolean = () => false): Networks {
  const subnetOf = (network: string | undefined, subnet: string | undefined): SubnetForVip => ({
    network: network ?? derived(`network of ${subnet ?? ''}`),
    subnet: subnet ?? derived(`subnet of ${network ?? ''}`),
    prefix: 32,
    has: () => true,
    addresses,
  });
  const demandSubnet = (id: string) => {
    if (isUnknown(id)) throw invalid(`Subnet ${id} not found.`);
  };
  return {
    subnetFor({ network, subnet }) {
      if (network === undefined && subnet === undefined)
        throw invalid(
          'Validation failure: VIP must contain one of: port_id, network_id, subnet_id.',
        );
      if (subnet !== undefined) demandSubnet(subnet);
      if (network !== undefined && isUnknown(network))
        throw invalid(`Network ${network} not found.`);
      return subnetOf(network, subnet);
    },
    demandSubnet,
    strayPort: (id) =>
      isUnknown(id) ? undefined : subnetOf(derived(`network of port ${id}`), undefined),
    anchors: () => [],
    interfaceOn: () => '',
  };
}

function* addresses(): Generator<string> {
  for (let number = 1; number < 131_071; number += 1)
    yield `198.${18 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
}

/** A UUID that is always the same for a text (RFC 9562, version 8). */
function derived(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
