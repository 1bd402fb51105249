import type { ControllerNode, NodeLinks, NodeRegistry } from '../../controller/nodes/nodes.ts';
import type { Row, Store, Transaction } from '../../controller/store/store.ts';
import { sourceOf } from '../../controller/vrrp/plan.ts';
import { searchFrom } from '../../controller/vrrp/router-ids.ts';
import {
  placedOn,
  routerIdsOnTheWire,
  type Segment,
  segmentOf,
} from '../../controller/vrrp/segments.ts';
import type { VrrpWorker } from '../../controller/vrrp/worker.ts';
import { parseIp } from '../../kit/ip.ts';
import type { BalancerConfig } from '../config.ts';
import type { Networks } from '../network/networks.ts';
import { inOrder, loadsOf, takePeerPort } from './loads.ts';
import { type Device, type Ground, refreshPair, takePair } from './pairs.ts';
import { addDue, addLeaving, findRow, placementsOf } from './placements.ts';

/**
 * Which nodes carry a load balancer.
 *
 * INVARIANTS
 * - A load balancer is never twice on one node.
 * - A placement stays until somebody drains the node, deletes the load balancer or asks for another one. A node that does
 *   not answer keeps its load balancers.
 * - The VRRP rows say what the placements say, because they are written by the same transaction.
 */
export interface Placer {
  /** What to know before a transaction. */
  ground(): Promise<Ground>;
  /**
   * Places a load balancer on the nodes that it lacks. Nothing happens if there is none.
   * Faults: `balancer_conflict` if no port or no router id is free
   */
  place(transaction: Transaction, ground: Ground, balancer: string, now: number): Promise<void>;
  /** Whether a load balancer would be on another node still. */
  canLeave(
    transaction: Transaction,
    ground: Ground,
    move: { balancer: string; node: number },
  ): Promise<boolean>;
  /** Takes a load balancer off a node, and places it on another one if there is one. */
  leave(
    transaction: Transaction,
    ground: Ground,
    move: { balancer: string; node: number; now: number },
  ): Promise<void>;
  /** Takes the VIP off all nodes. */
  dropVip(transaction: Transaction, ground: Ground, balancer: string, now: number): Promise<void>;
  /** Exchanges which of two nodes is to have the VIP. @param preempt whether the new one takes it from another one */
  swap(
    transaction: Transaction,
    ground: Ground,
    change: { balancer: string; now: number; preempt: (pair: number) => boolean },
  ): Promise<void>;
}

export interface PlacerParts {
  store: Store;
  registry: NodeRegistry;
  links: Pick<NodeLinks, 'isReachable' | 'word'>;
  /** Whether the agent of a node carries load balancers. */
  carries: (node: number) => boolean;
  worker: Pick<VrrpWorker, 'orders'>;
  networks: Networks;
  segments: readonly Segment[];
  config: Pick<BalancerConfig, 'topology' | 'peer_ports' | 'advert_interval'>;
}

export function makePlacer(parts: PlacerParts): Placer {
  const { store, registry, links, worker, networks, segments, config } = parts;
  const maxNodes = config.topology === 'SINGLE' ? 1 : 2;

  const placer: Placer = {
    async ground() {
      const [nodes, orders] = await Promise.all([registry.list(), worker.orders()]);
      const { epoch } = store.identity;
      const isSettled = nodes.every(({ id }) => (orders.get(id)?.confirmedEpoch ?? epoch) >= epoch);
      return {
        nodes,
        isReachable: (node) => links.isReachable(node),
        carries: parts.carries,
        owned: ownedBy(nodes),
        segmentOf(device, network) {
          const found = findDevice(nodes, device);
          // IPv4 and IPv6 of a network are in one segment, so that they can move together.
          return found && segmentOf(found, segments, networks.anchors(network));
        },
        hasSource(device, vip) {
          const node = nodes.find(({ id }) => id === device.node);
          const isIpv4 = parseIp(vip)?.version === 4;
          const wanted = {
            family: isIpv4 ? ('ipv4' as const) : ('ipv6' as const),
            addresses: [vip],
          };
          return node !== undefined && sourceOf(node, device.interface, wanted) !== undefined;
        },
        onTheWire: (place) =>
          routerIdsOnTheWire({ ...place, families: [...place.families] }, nodes, segments, links),
        firstRouterId: searchFrom(epoch, isSettled),
        interval: config.advert_interval,
      };
    },

    async place(transaction, ground, balancer, now) {
      const row = await stayingRow(transaction, balancer);
      if (row === undefined) return;
      const placed = await placementsOf(transaction, balancer);
      const present = placed.map((each) => Number(each['node']));
      const chosen = await choose(transaction, ground, row, present, maxNodes);
      if (chosen.length === 0) return;
      const added = await inOrder(transaction, chosen);
      const port = await takePeerPort(transaction, placed, added, config.peer_ports);
      for (const node of added) {
        const rank = freeRank(await placementsOf(transaction, balancer));
        await transaction.run(
          `INSERT INTO balancer_placements (load_balancer, node, rank, peer_port, placed_ms, deployed, why)
           VALUES ($1, $2, $3, $4, $5, NULL, $6)`,
          [balancer, node, rank, port, now, 'It is not there yet.'],
        );
        await transaction.run(
          'DELETE FROM balancer_leavings WHERE load_balancer = $1 AND node = $2',
          [balancer, node],
        );
      }
      await joinPair(transaction, ground, networks, { balancer: row, now });
    },

    async canLeave(transaction, ground, { balancer, node }) {
      const row = await findRow(transaction, balancer);
      const placed = await placementsOf(transaction, balancer);
      if (row === undefined || placed.some((each) => Number(each['node']) !== node)) return true;
      return (await choose(transaction, ground, row, [node], 2)).length > 0;
    },

    async leave(transaction, ground, { balancer, node, now }) {
      const row = await stayingRow(transaction, balancer);
      if (row === undefined) return;
      const left = await transaction.run(
        'DELETE FROM balancer_placements WHERE load_balancer = $1 AND node = $2',
        [balancer, node],
      );
      if (left === 0) return;
      await addLeaving(transaction, balancer, node);
      // The node that stays has everything already, so it gets the VIP.
      await closeRanks(transaction, balancer);
      await placer.place(transaction, ground, balancer, now);
      await joinPair(transaction, ground, networks, { balancer: row, now });
    },

    async dropVip(transaction, ground, balancer, now) {
      const row = await findRow(transaction, balancer);
      const pair = row?.['pair'] ?? null;
      if (pair === null) return;
      await transaction.run('UPDATE balancer_load_balancers SET pair = NULL WHERE id = $1', [
        balancer,
      ]);
      const nodes = await refreshPair(transaction, ground, Number(pair), { now });
      await addDue(transaction, balancer, nodes);
    },

    async swap(transaction, ground, { balancer, now, preempt }) {
      const row = await stayingRow(transaction, balancer);
      const placed = await placementsOf(transaction, balancer);
      if (row === undefined || placed.length < 2) return;
      await transaction.run(
        'UPDATE balancer_placements SET rank = rank + 10 WHERE load_balancer = $1',
        [balancer],
      );
      await transaction.run(
        'UPDATE balancer_placements SET rank = CASE rank WHEN 10 THEN 1 ELSE 0 END WHERE load_balancer = $1',
        [balancer],
      );
      await joinPair(transaction, ground, networks, { balancer: row, now, preempt });
    },
  };
  return placer;

  /** The nodes that a load balancer lacks, the best first. */
  async function choose(
    transaction: Transaction,
    ground: Ground,
    balancer: Row,
    present: readonly number[],
    max: number,
  ): Promise<number[]> {
    if (present.length >= max) return [];
    const vip = String(balancer['vip_address']);
    const draining = new Set(
      (await transaction.all('SELECT node FROM balancer_draining')).map(({ node }) => Number(node)),
    );
    const loads = await loadsOf(transaction, '');
    const devices = ground.nodes.flatMap((node) => deviceFor(networks, balancer, node) ?? []);
    const fitting = devices.filter(
      (device) =>
        device.interface === '' ||
        (ground.segmentOf(device, String(balancer['vip_network'])) !== undefined &&
          ground.hasSource(device, vip)),
    );
    const candidates = fitting
      .filter(({ node }) => ground.carries(node) && !draining.has(node) && !present.includes(node))
      .sort(
        (a, b) =>
          Number(ground.isReachable(b.node)) - Number(ground.isReachable(a.node)) ||
          (loads.get(a.node) ?? 0) - (loads.get(b.node) ?? 0) ||
          a.node - b.node,
      );
    const first = fitting.find(({ node }) => node === present[0]) ?? candidates[0];
    const network = String(balancer['vip_network']);
    const segment = first && segmentFor(ground, first, network);
    // Adverts do not leave a segment.
    return candidates
      .filter((device) => segmentFor(ground, device, network) === segment)
      .slice(0, max - present.length)
      .map(({ node }) => node);
  }
}

/** The row of a load balancer. One that goes gets no place any more, although it may have been there a moment ago. */
async function stayingRow(transaction: Transaction, balancer: string): Promise<Row | undefined> {
  const row = await findRow(transaction, balancer);
  return row?.['fate'] === 'delete' || row?.['provisioning'] === 'DELETED' ? undefined : row;
}

function segmentFor(ground: Ground, device: Device, network: string): string {
  return device.interface === '' ? '' : (ground.segmentOf(device, network) ?? '');
}

function deviceFor(networks: Networks, balancer: Row, node: ControllerNode): Device | undefined {
  const device = networks.interfaceOn(String(balancer['vip_network']), node);
  return device === undefined ? undefined : { node: node.id, interface: device };
}

/** Puts the VIP of a load balancer into the VRRP instance of its nodes, and takes it out of the former one. */
async function joinPair(
  transaction: Transaction,
  ground: Ground,
  networks: Networks,
  {
    balancer,
    now,
    preempt = () => false,
  }: { balancer: Row; now: number; preempt?: (pair: number) => boolean },
): Promise<void> {
  const id = String(balancer['id']);
  const row = await findRow(transaction, id);
  const placed = await placementsOf(transaction, id);
  const devices = placed.flatMap((each) => {
    const node = ground.nodes.find((known) => known.id === Number(each['node']));
    return (node && deviceFor(networks, balancer, node)) ?? [];
  });
  const [first] = devices;
  const isVirtual = first !== undefined && first.interface !== '';
  const former = row?.['pair'] ?? null;
  const next = isVirtual
    ? await takePair(
        transaction,
        devices,
        segmentFor(ground, first, String(balancer['vip_network'])),
        id,
      )
    : null;
  await transaction.run('UPDATE balancer_load_balancers SET pair = $1 WHERE id = $2', [next, id]);
  const due: number[] = [];
  if (former !== null && former !== next)
    due.push(...(await refreshPair(transaction, ground, Number(former), { now })));
  if (next !== null)
    due.push(...(await refreshPair(transaction, ground, next, { now, preempt: preempt(next) })));
  await addDue(transaction, id, due);
}

function freeRank(placed: readonly Row[]): number {
  return placed.some(({ rank }) => Number(rank) === 0) ? 1 : 0;
}

/** A single node is to have the VIP. */
async function closeRanks(transaction: Transaction, balancer: string): Promise<void> {
  const placed = await placementsOf(transaction, balancer);
  if (placed.length !== 1) return;
  await transaction.run('UPDATE balancer_placements SET rank = 0 WHERE load_balancer = $1', [
    balancer,
  ]);
}

function ownedBy(nodes: readonly ControllerNode[]): Set<string> {
  return new Set(
    nodes.flatMap(({ interfaces }) => interfaces.flatMap(placedOn).map(({ ip }) => ip.text)),
  );
}

function findDevice(nodes: readonly ControllerNode[], { node, interface: name }: Device) {
  return nodes.find(({ id }) => id === node)?.interfaces.find((each) => each.name === name);
}
