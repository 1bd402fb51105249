import {
  contains,
  type Ip,
  parseIp,
  parseSubnet,
  type Subnet,
  subnetOf,
  withoutPrefix,
} from '../../kit/ip.ts';
import type { ControllerNode, NodeInterface, NodeLinks } from '../nodes/nodes.ts';
import type { VrrpInstance } from './instances.ts';

/** A layer 2 with several IP networks, from the configuration of the controller. */
export interface Segment {
  name: string;
  /** Such as 10.0.0.0/24. */
  networks: readonly string[];
}

/** An address of an interface with its network. */
export interface Placed {
  ip: Ip;
  network: Subnet;
}

/** The addresses of an interface in the order of the kernel. Link-local ones of IPv6 are left out. */
export function placedOn({ addresses }: NodeInterface): Placed[] {
  return addresses.flatMap((text) => {
    const ip = parseIp(withoutPrefix(text));
    const prefix = parseSubnet(text)?.prefix;
    if (ip === undefined || prefix === undefined || isLinkLocal(ip)) return [];
    return { ip, network: subnetOf(ip, prefix) };
  });
}

/** fe80::/10 (RFC 4291, section 2.5.6). It says nothing about the network. */
export function isLinkLocal({ version, value }: Ip): boolean {
  return version === 6 && value >> 118n === 0x3fan;
}

/**
 * The segment of an interface: the configured one that has one of its networks, else its own network.
 * @param near addresses whose network counts first, if the interface is in several
 * @returns undefined if the interface has no address
 */
export function segmentOf(
  device: NodeInterface,
  segments: readonly Segment[],
  near: readonly Ip[] = [],
): string | undefined {
  const placed = placedOn(device);
  const configured = segments.find(({ networks }) =>
    placed.some(({ ip }) => networks.some((each) => isIn(each, ip))),
  );
  if (configured) return configured.name;
  const first =
    placed.find(({ network }) => near.some((ip) => contains(network, ip))) ??
    placed.find(({ ip }) => ip.version === 4) ??
    placed[0];
  return first?.network.text;
}

function isIn(network: string, ip: Ip): boolean {
  const subnet = parseSubnet(network);
  return subnet !== undefined && contains(subnet, ip);
}

/** The numbers that other routers use on the interfaces of a segment, by the last reports of all nodes. */
export function routerIdsOnTheWire(
  { segment, families }: { segment: string; families: readonly VrrpInstance['family'][] },
  nodes: readonly ControllerNode[],
  segments: readonly Segment[],
  { word }: Pick<NodeLinks, 'word'>,
): Set<number> {
  const ids = nodes.flatMap(({ id, interfaces }) => {
    const seen = word(id)?.report.otherRouters ?? [];
    return seen
      .filter(({ family, interface: name }) => {
        const device = interfaces.find((each) => each.name === name);
        const isHere = device !== undefined && isInSegment(device, segment, segments);
        return isHere && families.includes(family);
      })
      .map(({ routerId }) => routerId);
  });
  return new Set(ids);
}

/** Whether any network of an interface is the segment, or in it. */
function isInSegment(
  device: NodeInterface,
  segment: string,
  segments: readonly Segment[],
): boolean {
  return (
    segmentOf(device, segments) === segment ||
    placedOn(device).some(({ network }) => network.text === segment)
  );
}
