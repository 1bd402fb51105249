import type { WantedInstance, WantedKeepalived } from '../../keepalived/wanted.ts';
import { contains, parseIp, withoutPrefix } from '../../kit/ip.ts';
import type { ControllerNode } from '../nodes/nodes.ts';
import type { VrrpInstance, VrrpPeer } from './instances.ts';
import { placedOn } from './segments.ts';

/** Up to this number of nodes, each sends its adverts to each other one. Above it, multicast costs less. */
const maxUnicastNodes = 8;

/** Whether adverts of an instance on so many nodes are unicast, if nobody says otherwise. */
export function isUnicastByDefault(nodes: number): boolean {
  return nodes <= maxUnicastNodes;
}

/**
 * What the keepalived of each node is to do. The order is that of the instances, so a node that has no part in a change
 * gets the same bytes as before. An active instance is left out on a node that has no address for it.
 * @param instances all of them, always in the same order
 * @returns one entry for each node
 */
export function planNodes(
  instances: readonly VrrpInstance[],
  nodes: readonly ControllerNode[],
): ReadonlyMap<number, WantedKeepalived> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const planned = new Map<number, WantedInstance[]>(nodes.map(({ id }) => [id, []]));
  for (const instance of instances) {
    if (!instance.isActive) continue;
    const placed = placedPeers(instance, byId);
    for (const own of placed) {
      planned.get(own.peer.node)?.push(wantedOf(instance, own, placed));
    }
  }
  return new Map([...planned].map(([id, wanted]) => [id, { instances: wanted }]));
}

interface PlacedPeer {
  peer: VrrpPeer;
  /** Its own address; undefined if none is needed. */
  source: string | undefined;
}

/** The peers that can take part. */
function placedPeers(
  instance: VrrpInstance,
  nodes: ReadonlyMap<number, ControllerNode>,
): PlacedPeer[] {
  return instance.peers.flatMap((peer) => {
    const node = nodes.get(peer.node);
    if (node === undefined) return [];
    const source = sourceOf(node, peer.interface, instance);
    // With unicast, an instance without a source would take any address.
    return instance.isUnicast && source === undefined ? [] : { peer, source };
  });
}

/**
 * The address from which a node sends adverts of an instance: the one in the network of the virtual address, else the
 * first of the family.
 */
export function sourceOf(
  { interfaces }: Pick<ControllerNode, 'interfaces'>,
  name: string,
  { family, addresses }: Pick<VrrpInstance, 'family' | 'addresses'>,
): string | undefined {
  const device = interfaces.find((each) => each.name === name);
  const version = family === 'ipv4' ? 4 : 6;
  const own = device ? placedOn(device).filter(({ ip }) => ip.version === version) : [];
  const virtual = addresses.flatMap((each) => parseIp(withoutPrefix(each)) ?? []);
  const near = own.find(({ network }) => virtual.some((ip) => contains(network, ip)));
  return (near ?? own[0])?.ip.text;
}

function wantedOf(
  instance: VrrpInstance,
  { peer, source }: PlacedPeer,
  all: readonly PlacedPeer[],
): WantedInstance {
  // A node that claims an address of another one, such as a clone, must not make keepalived refuse its own file.
  const others = unique(
    all.filter((each) => each.peer.node !== peer.node).flatMap((each) => each.source ?? []),
  ).filter((each) => each !== source);
  // keepalived takes an empty list of peers for multicast, so this says what it does.
  const isUnicast = instance.isUnicast && others.length > 0;
  return {
    name: instance.name,
    family: instance.family,
    interface: peer.interface,
    routerId: instance.routerId,
    priority: peer.priority,
    interval: instance.interval,
    addresses: instance.addresses,
    peers: isUnicast ? others : null,
    source: isUnicast ? (source ?? null) : null,
    preempt: instance.preempt,
    syncGroup: instance.syncGroup,
    check: instance.check,
  };
}

function unique(addresses: readonly string[]): string[] {
  return [...new Set(addresses)];
}
