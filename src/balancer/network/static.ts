import type { ControllerNode } from '../../controller/nodes/nodes.ts';
import { placedOn } from '../../controller/vrrp/segments.ts';
import {
  addressText,
  bitsOf,
  contains,
  type Ip,
  parseIp,
  parseSubnet,
  type Subnet,
} from '../../kit/ip.ts';
import type { BalancerConfig } from '../config.ts';
import { invalid } from '../sentences.ts';
import type { Networks, SubnetForVip } from './networks.ts';

type NetworkConfig = BalancerConfig['networks'][number];
type SubnetConfig = NetworkConfig['subnets'][number];

/** The networks of the configuration. */
export function makeStaticNetworks(networks: BalancerConfig['networks']): Networks {
  const all = networks.flatMap((network) =>
    network.subnets.map((subnet) => ({ network, subnet, range: rangeOf(subnet) })),
  );
  type Known = (typeof all)[number];

  const subnetById = (id: string): Known => {
    const found = all.find(({ subnet }) => subnet.id === id.toLowerCase());
    if (found === undefined) throw invalid(`Subnet ${id} not found.`);
    return found;
  };
  const networkById = (id: string): NetworkConfig => {
    const found = networks.find((each) => each.id === id.toLowerCase());
    if (found === undefined) throw invalid(`Network ${id} not found.`);
    return found;
  };

  return {
    subnetFor({ network: networkId, subnet: subnetId, address }) {
      const network = networkId === undefined ? undefined : networkById(networkId);
      const found =
        subnetId === undefined
          ? firstOf(all, network, address)
          : inNetwork(subnetById(subnetId), network);
      const made = forVip(found);
      if (address !== undefined && !made.has(address))
        throw invalid(
          `Validation failure: The address ${address} is not one of a host in the subnet ${found.subnet.id} (${found.subnet.cidr}).`,
        );
      return made;
    },
    demandSubnet(id) {
      subnetById(id);
    },
    strayPort: () => undefined,
    anchors: (id) =>
      all
        .filter(({ network }) => network.id === id)
        .map(({ range: { cidr } }) => addressIn(cidr.version, cidr.first)),
    interfaceOn(id, node) {
      const network = networks.find((each) => each.id === id);
      return network && interfaceIn(network, node);
    },
  };
}

interface Range {
  cidr: Subnet;
  /** From and to, both given out. */
  pools: readonly { from: Ip; to: Ip }[];
  gateway: Ip | undefined;
}

function rangeOf({ cidr, pools, gateway }: SubnetConfig): Range {
  const subnet = parseSubnet(cidr);
  if (subnet === undefined)
    throw new TypeError(`the configuration was checked, and ${cidr} is none`);
  const parsed = pools.flatMap(({ from, to }) => {
    const [first, last] = [parseIp(from), parseIp(to)];
    return first && last ? [{ from: first, to: last }] : [];
  });
  return {
    cidr: subnet,
    pools: parsed.length > 0 ? parsed : [wholeOf(subnet)],
    gateway: gateway === null ? undefined : parseIp(gateway),
  };
}

/** All hosts of a subnet: without its own address, and without its broadcast address (RFC 1122, section 3.2.1.3). */
function wholeOf({ version, first, prefix }: Subnet): { from: Ip; to: Ip } {
  const last = first + (1n << BigInt(bitsOf[version] - prefix)) - 1n;
  const isTiny = bitsOf[version] - prefix < 2;
  const ip = (value: bigint) => addressIn(version, value);
  return {
    from: ip(isTiny ? first : first + 1n),
    to: ip(isTiny || version === 6 ? last : last - 1n),
  };
}

function addressIn(version: 4 | 6, value: bigint): Ip {
  return { version, value, text: addressText(version, value) };
}

/** The subnet with the address, else the first one of IPv4, else the first one. */
function firstOf<T extends { network: NetworkConfig; subnet: SubnetConfig; range: Range }>(
  all: readonly T[],
  network: NetworkConfig | undefined,
  address: string | undefined,
): T {
  if (network === undefined)
    throw invalid('Validation failure: VIP must contain one of: port_id, network_id, subnet_id.');
  const own = all.filter((each) => each.network.id === network.id);
  const ip = address === undefined ? undefined : parseIp(address);
  const near = ip && own.find(({ range }) => contains(range.cidr, ip));
  const found = near ?? own.find(({ range }) => range.cidr.version === 4) ?? own[0];
  if (found === undefined)
    throw invalid('Validation failure: Supplied network does not contain a subnet.');
  return found;
}

function inNetwork<T extends { network: NetworkConfig; subnet: SubnetConfig }>(
  found: T,
  network: NetworkConfig | undefined,
): T {
  if (network !== undefined && network.id !== found.network.id)
    throw invalid(
      `Validation failure: The subnet ${found.subnet.id} is not in the network ${network.id}.`,
    );
  return found;
}

function forVip({
  network,
  subnet,
  range,
}: {
  network: NetworkConfig;
  subnet: SubnetConfig;
  range: Range;
}): SubnetForVip {
  const whole = wholeOf(range.cidr);
  return {
    network: network.id,
    subnet: subnet.id,
    prefix: range.cidr.prefix,
    has(address) {
      const ip = parseIp(address);
      return (
        ip?.version === range.cidr.version &&
        ip.value >= whole.from.value &&
        ip.value <= whole.to.value &&
        ip.value !== range.gateway?.value
      );
    },
    *addresses() {
      for (const { from, to } of range.pools) {
        for (let { value } = from; value <= to.value; value += 1n) {
          if (value !== range.gateway?.value) yield addressText(from.version, value);
        }
      }
    },
  };
}

/** The configured interface, else the first one with an address of the network. */
function interfaceIn(
  network: NetworkConfig,
  { name, interfaces }: ControllerNode,
): string | undefined {
  const configured = network.interface[name];
  if (configured !== undefined)
    return interfaces.some((each) => each.name === configured) ? configured : undefined;
  const subnets = network.subnets.flatMap(({ cidr }) => parseSubnet(cidr) ?? []);
  return interfaces.find((device) =>
    placedOn(device).some(({ ip }) => subnets.some((subnet) => contains(subnet, ip))),
  )?.name;
}
