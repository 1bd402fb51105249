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
import { taken } from '../sentences.ts';
import { type Device, type Ground, refreshPair, takePair } from './pairs.ts';

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
      const row = await find(transaction, balancer);
      if (row === undefined) return;
      const placed = await placementsOf(transaction, balancer);
      const kept = placed.map((each) => Number(each['node']));
      const chosen = await choose(transaction, ground, row, kept, maxNodes);
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

    async leave(transaction, ground, { balancer, node, now }) {
      const left = await transaction.run(
        'DELETE FROM balancer_placements WHERE load_balancer = $1 AND node = $2',
        [balancer, node],
      );
      if (left === 0) return;
      await addLeaving(transaction, balancer, node);
      const row = await find(transaction, balancer);
      await placer.place(transaction, ground, balancer, now);
      // The one that is left may be alone.
      await closeRanks(transaction, balancer);
      if (row) await joinPair(transaction, ground, networks, { balancer: row, now });
    },

    async dropVip(transaction, ground, balancer, now) {
      const row = await find(transaction, balancer);
      const pair = row?.['pair'] ?? null;
      if (pair === null) return;
      await transaction.run('UPDATE balancer_load_balancers SET pair = NULL WHERE id = $1', [
        balancer,
      ]);
      const nodes = await refreshPair(transaction, ground, Number(pair), { now });
      await addDue(transaction, balancer, nodes);
    },

    async swap(transaction, ground, { balancer, now, preempt }) {
      const row = await find(transaction, balancer);
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
    kept: readonly number[],
    max: number,
  ): Promise<number[]> {
    if (kept.length >= max) return [];
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
      .filter(({ node }) => !draining.has(node) && !kept.includes(node))
      .sort(
        (a, b) =>
          Number(ground.isReachable(b.node)) - Number(ground.isReachable(a.node)) ||
          (loads.get(a.node) ?? 0) - (loads.get(b.node) ?? 0) ||
          a.node - b.node,
      );
    const first = fitting.find(({ node }) => node === kept[0]) ?? candidates[0];
    const network = String(balancer['vip_network']);
    const segment = first && segmentFor(ground, first, network);
    // Adverts do not leave a segment.
    return candidates
      .filter((device) => segmentFor(ground, device, network) === segment)
      .slice(0, max - kept.length)
      .map(({ node }) => node);
  }
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
  const row = await find(transaction, id);
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

/** Has the next job wait until keepalived of these nodes runs what the rows say. */
async function addDue(
  transaction: Transaction,
  balancer: string,
  nodes: readonly number[],
): Promise<void> {
  const row = await find(transaction, balancer);
  const due = JSON.stringify([...new Set([...dueOf(row), ...nodes])]);
  await transaction.run('UPDATE balancer_load_balancers SET vrrp_due = $1 WHERE id = $2', [
    due,
    balancer,
  ]);
}

/** The nodes whose keepalived a change of a load balancer concerns. */
export function dueOf(balancer: Row | undefined): number[] {
  const due = balancer?.['vrrp_due'] ?? null;
  return due === null ? [] : (JSON.parse(String(due)) as number[]);
}

/** Remembers that a node is to lose a load balancer. */
export async function addLeaving(
  transaction: Transaction,
  balancer: string,
  node: number,
): Promise<void> {
  await transaction.run(
    `INSERT INTO balancer_leavings (load_balancer, node) VALUES ($1, $2)
     ON CONFLICT (load_balancer, node) DO NOTHING`,
    [balancer, node],
  );
}

function find(transaction: Transaction, balancer: string): Promise<Row | undefined> {
  return transaction.one('SELECT * FROM balancer_load_balancers WHERE id = $1', [balancer]);
}

function placementsOf(transaction: Transaction, balancer: string): Promise<Row[]> {
  return transaction.all(
    'SELECT * FROM balancer_placements WHERE load_balancer = $1 ORDER BY rank',
    [balancer],
  );
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

/** How many load balancers each node has. @param where `AND …` */
async function loadsOf(transaction: Transaction, where: string): Promise<Map<number, number>> {
  const rows = await transaction.all(
    `SELECT node, COUNT(*) AS count FROM balancer_placements WHERE 1 = 1 ${where} GROUP BY node`,
  );
  return new Map(rows.map(({ node, count }) => [Number(node), Number(count)]));
}

/** The node that is to have fewer VIPs comes first. */
async function inOrder(transaction: Transaction, nodes: readonly number[]): Promise<number[]> {
  const firsts = await loadsOf(transaction, 'AND rank = 0');
  return [...nodes].sort((a, b) => (firsts.get(a) ?? 0) - (firsts.get(b) ?? 0));
}

/** Faults: `balancer_conflict` */
async function freePeerPort(
  transaction: Transaction,
  nodes: readonly number[],
  { from, to }: BalancerConfig['peer_ports'],
): Promise<number> {
  const rows = await transaction.all(
    `SELECT peer_port FROM balancer_placements WHERE node IN (${nodes.map((_each, at) => `$${at + 1}`).join(', ')})`,
    nodes,
  );
  const used = new Set(rows.map((row) => Number(row['peer_port'])));
  for (let port = from; port <= to; port += 1) if (!used.has(port)) return port;
  throw taken(
    `The nodes have no free peer port between ${from} and ${to}. Delete load balancers there, add nodes, or make the range 'peer_ports' larger.`,
  );
}

/** The port that a load balancer has, or another one if a node that is added uses that for another load balancer. */
async function takePeerPort(
  transaction: Transaction,
  placed: readonly Row[],
  added: readonly number[],
  range: BalancerConfig['peer_ports'],
): Promise<number> {
  const [kept] = placed;
  if (kept === undefined) return freePeerPort(transaction, added, range);
  const present = Number(kept['peer_port']);
  const others = await transaction.all(
    'SELECT node FROM balancer_placements WHERE peer_port = $1',
    [present],
  );
  if (!others.some(({ node }) => added.includes(Number(node)))) return present;
  const nodes = [...placed.map(({ node }) => Number(node)), ...added];
  const port = await freePeerPort(transaction, nodes, range);
  await transaction.run('UPDATE balancer_placements SET peer_port = $1 WHERE load_balancer = $2', [
    port,
    String(kept['load_balancer']),
  ]);
  return port;
}

function ownedBy(nodes: readonly ControllerNode[]): Set<string> {
  return new Set(
    nodes.flatMap(({ interfaces }) => interfaces.flatMap(placedOn).map(({ ip }) => ip.text)),
  );
}

function findDevice(nodes: readonly ControllerNode[], { node, interface: name }: Device) {
  return nodes.find(({ id }) => id === node)?.interfaces.find((each) => each.name === name);
}
