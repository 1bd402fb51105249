import type { ControllerNode, NodeInterface } from '../../controller/nodes/nodes.ts';
import type { VrrpInstance } from '../../controller/vrrp/instances.ts';
import { isUnicastByDefault, sourceOf } from '../../controller/vrrp/plan.ts';
import { placedOn, type Segment, segmentOf } from '../../controller/vrrp/segments.ts';
import { Fault, type FieldError } from '../../kit/fault.ts';
import { bitsOf, contains, type Ip, parseIp, subnetOf, withoutPrefix } from '../../kit/ip.ts';
import { family, type Group, type GroupSettings, offline, virtualAddresses } from '../gateway.ts';

/** Where a group is: its segment, and the interfaces of its members. */
export interface Placement {
  segment: string;
  families: VrrpInstance['family'][];
  devices: readonly { node: number; interface: string }[];
}

/** The hosts that a group may use. */
export interface Site {
  /** Those of its gateway. */
  nodes: readonly ControllerNode[];
  /** Those of all gateways, and of none. */
  all: readonly ControllerNode[];
  segments: readonly Segment[];
}

/**
 * Checks whether a group can be where its settings want it.
 * Faults: `node_not_found`, `node_twice`, `address_taken` by a node itself, `invalid_request`
 */
export function placeGroup(settings: GroupSettings, site: Site): Placement {
  refuseTwice(settings);
  const devices = settings.members.map(({ node, interface: name }, index) =>
    deviceOf({ node, name, index }, site),
  );
  refuseOwnAddresses(settings, site);
  devices.forEach((device, index) => {
    refuseWithoutAddress(settings, device, index);
  });
  for (const [address, field] of addressesWithFields(settings)) {
    refuseReserved(withPrefix(address, devices), field);
  }
  return {
    segment: segmentOfAll(settings, devices, site),
    families: familiesOf(settings),
    devices: settings.members.map(({ node, interface: name }) => ({ node, interface: name })),
  };
}

/** The instances of a group. IPv4 and IPv6 are two, and move together. */
export function instancesOfGroup(
  group: Group,
  { segment }: Placement,
  { nodes }: Site,
): VrrpInstance[] {
  const { id, members } = group;
  const devices = members.flatMap(
    ({ node, interface: name }) => findDevice(nodes, node, name) ?? [],
  );
  const addresses = virtualAddresses(group);
  return addresses.map((address) => {
    const isIpv4 = parseIp(withoutPrefix(address))?.version === 4;
    return {
      name: isIpv4 ? `vg_${id}` : `vg_${id}_v6`,
      owner: { family, id },
      family: isIpv4 ? 'ipv4' : 'ipv6',
      segment,
      routerId: group.routerId,
      addresses: [withPrefix(address, devices)],
      interval: group.interval,
      preempt: group.preempt,
      isUnicast: group.isUnicast ?? isUnicastByDefault(members.length),
      syncGroup: addresses.length > 1 ? `vs_${id}` : null,
      check: group.check,
      isActive: group.status !== offline,
      // In the order in which rows are read.
      peers: members
        .map(({ node, interface: name, priority }) => ({ node, interface: name, priority }))
        .sort((a, b) => a.node - b.node),
    };
  });
}

function familiesOf({ virtualIp, virtualIpv6 }: GroupSettings): VrrpInstance['family'][] {
  return [
    ...(virtualIp === null ? [] : (['ipv4'] as const)),
    ...(virtualIpv6 === null ? [] : (['ipv6'] as const)),
  ];
}

function refuseTwice({ members }: GroupSettings): void {
  const ids = members.map(({ node }) => node);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice === undefined) return;
  throw new Fault('node_twice', `The node ${twice} is in the group twice. List each node once.`);
}

interface Wish {
  node: number;
  name: string;
  index: number;
}

function deviceOf({ node: id, name, index }: Wish, { nodes }: Site): NodeInterface {
  const node = nodes.find((each) => each.id === id);
  if (node === undefined) {
    const error = { field: `real_nodes[${index}].node`, message: notHere, type: 'number' };
    throw new Fault(
      'node_not_found',
      `The gateway has no node ${id}. 'hactl node list' shows the nodes; a POST to the nodes of the gateway adds one.`,
      { errors: [error] },
    );
  }
  const device = findDevice(nodes, id, name);
  if (device) return device;
  const names = node.interfaces.map((each) => each.name).join(', ');
  throw invalid(
    `real_nodes[${index}].interface`,
    `must be an interface of ${node.name}, which has ${names === '' ? 'none' : names}`,
  );
}

const notHere = 'must be a node of this gateway';

function findDevice(
  nodes: readonly ControllerNode[],
  id: number,
  name: string,
): NodeInterface | undefined {
  const node = nodes.find((each) => each.id === id);
  return node?.interfaces.find((each) => each.name === name);
}

/** A node must not lose its own address when it becomes BACKUP. */
function refuseOwnAddresses(settings: GroupSettings, { all }: Site): void {
  for (const address of virtualAddresses(settings).map(withoutPrefix)) {
    const owner = all.find(({ interfaces }) =>
      interfaces.some((device) => placedOn(device).some(({ ip }) => ip.text === address)),
    );
    if (owner) {
      throw new Fault(
        'address_taken',
        `${address} is an address of the node ${owner.name} itself. Choose one that no host has.`,
      );
    }
  }
}

/** Adverts of IPv4 and unicast ones need an address to come from. */
function refuseWithoutAddress(settings: GroupSettings, device: NodeInterface, index: number): void {
  const isUnicast = settings.isUnicast ?? isUnicastByDefault(settings.members.length);
  for (const each of familiesOf(settings)) {
    const isNeeded = each === 'ipv4' || (isUnicast && settings.members.length > 1);
    const source = sourceOf({ interfaces: [device] }, device.name, { family: each, addresses: [] });
    if (!isNeeded || source !== undefined) continue;
    const named = each === 'ipv4' ? 'IPv4' : 'IPv6';
    throw invalid(
      `real_nodes[${index}].interface`,
      `must have an ${named} address on its node, from which adverts are sent`,
    );
  }
}

function addressesWithFields({
  virtualIp,
  virtualIpv6,
}: GroupSettings): [address: string, field: string][] {
  return [
    ...(virtualIp === null ? [] : ([[virtualIp, 'virtual_ip']] as [string, string][])),
    ...(virtualIpv6 === null ? [] : ([[virtualIpv6, 'virtual_ipv6']] as [string, string][])),
  ];
}

/** The address of a network, and its broadcast address, belong to no host (RFC 1122, section 3.2.1.3). */
function refuseReserved(address: string, field: string): void {
  const ip = parseIp(withoutPrefix(address));
  const prefix = Number(address.slice(address.indexOf('/') + 1));
  if (ip?.version !== 4 || prefix > 30) return;
  const { first, text } = subnetOf(ip, prefix);
  const last = first + (1n << BigInt(32 - prefix)) - 1n;
  if (ip.value === first || ip.value === last)
    throw invalid(field, `must be an address of a host, not the first or last of ${text}`);
}

/** The address with the prefix length that it has, or that of the network of an interface. */
function withPrefix(address: string, devices: readonly NodeInterface[]): string {
  if (address.includes('/')) return address;
  const ip = parseIp(address);
  if (ip === undefined) return address;
  const network = networkWith(ip, devices);
  return `${address}/${network?.prefix ?? bitsOf[ip.version]}`;
}

function networkWith(ip: Ip, devices: readonly NodeInterface[]) {
  return devices
    .flatMap(placedOn)
    .map(({ network }) => network)
    .find((network) => contains(network, ip));
}

/** All interfaces must be in one segment, because adverts do not leave it. */
function segmentOfAll(
  settings: GroupSettings,
  devices: readonly NodeInterface[],
  { all, segments }: Site,
): string {
  const near = virtualAddresses(settings).flatMap((each) => parseIp(withoutPrefix(each)) ?? []);
  const found = devices.map((device) => segmentOf(device, segments, near));
  found.forEach((segment, index) => {
    const field = `real_nodes[${index}].interface`;
    if (segment === undefined) throw invalid(field, 'must have an address on its node');
    if (segment !== found[0])
      throw invalid(
        field,
        `must be in the segment of the first node, ${found[0] ?? '-'}, and is in ${segment}`,
      );
  });
  return found[0] ?? segmentWithoutNodes(near, { all, segments });
}

/** A group without nodes gets its router id in the segment where its address belongs. */
function segmentWithoutNodes(
  near: readonly Ip[],
  { all, segments }: Pick<Site, 'all' | 'segments'>,
): string {
  const [ip] = near;
  const device = all
    .flatMap(({ interfaces }) => interfaces)
    .find((each) => ip !== undefined && networkWith(ip, [each]) !== undefined);
  const known = device && segmentOf(device, segments, near);
  return known ?? (ip ? subnetOf(ip, ip.version === 4 ? 24 : 64).text : '-');
}

function invalid(field: string, message: string): Fault {
  const error: FieldError = { field, message, type: 'string' };
  return new Fault('invalid_request', `The request cannot be carried out: '${field}' ${message}.`, {
    errors: [error],
  });
}
