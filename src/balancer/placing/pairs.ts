import type { ControllerNode } from '../../controller/nodes/nodes.ts';
import type { Row, Transaction } from '../../controller/store/store.ts';
import type { VrrpInstance } from '../../controller/vrrp/instances.ts';
import { isUnicastByDefault } from '../../controller/vrrp/plan.ts';
import { takeRouterId } from '../../controller/vrrp/router-ids.ts';
import { instancesOf, setInstances } from '../../controller/vrrp/rows.ts';
import { Fault } from '../../kit/fault.ts';
import { parseIp } from '../../kit/ip.ts';
import { family } from '../objects.ts';
import { taken } from '../sentences.ts';

// One VRRP instance for each ordered pair of nodes in a segment carries the VIPs of all load balancers that are placed
// there: a segment has 255 router ids, and more load balancers than that.

/** A node with the interface that a VIP is on. */
export interface Device {
  node: number;
  interface: string;
}

/** What is known of nodes outside of the transaction. */
export interface Ground {
  nodes: readonly ControllerNode[];
  isReachable: (node: number) => boolean;
  /** Whether its agent carries load balancers at all. */
  carries: (node: number) => boolean;
  /** The addresses of nodes themselves. */
  owned: ReadonlySet<string>;
  segmentOf: (device: Device, network: string) => string | undefined;
  /** Whether a node has an address from which adverts for a VIP can be sent. */
  hasSource: (device: Device, vip: string) => boolean;
  onTheWire: (place: {
    segment: string;
    families: readonly VrrpInstance['family'][];
  }) => ReadonlySet<number>;
  /** Where the search for a router id begins. */
  firstRouterId: number;
  /** Seconds between two adverts. */
  interval: number;
}

/** The first node has the higher one. */
const priorities = [150, 100] as const;

/** A pair with more load balancers gets a second instance: an advert counts its addresses in 8 bits (RFC 5798, 5.2.5). */
const maxVips = 200;

/**
 * Finds the instance of a pair of nodes in this order that has room, or makes it.
 * @param devices one or two, the one that is to have the VIP first
 * @param balancer the load balancer that is to be there, which stays where it is
 */
export async function takePair(
  transaction: Transaction,
  devices: readonly Device[],
  segment: string,
  balancer: string,
): Promise<number> {
  const [first, second] = devices;
  const values = [
    first?.node ?? 0,
    first?.interface ?? '',
    second?.node ?? 0,
    second?.interface ?? '',
    segment,
  ];
  const pairs = await transaction.all(
    `SELECT p.id, p.number, COUNT(b.id) AS others, COUNT(o.id) AS own FROM balancer_pairs p
     LEFT JOIN balancer_load_balancers b ON b.pair = p.id AND b.id <> $6
     LEFT JOIN balancer_load_balancers o ON o.pair = p.id AND o.id = $6
     WHERE p.first_node = $1 AND p.first_interface = $2 AND p.second_node = $3
       AND p.second_interface = $4 AND p.segment = $5
     GROUP BY p.id, p.number ORDER BY p.number`,
    [...values, balancer],
  );
  const found =
    pairs.find((row) => Number(row['own']) > 0) ??
    pairs.find((row) => Number(row['others']) < maxVips);
  if (found) return Number(found['id']);
  const used = new Set(pairs.map((row) => Number(row['number'])));
  let number = 1;
  while (used.has(number)) number += 1;
  const id = await transaction.nextNumber('balancer-pair');
  await transaction.run(
    `INSERT INTO balancer_pairs
       (first_node, first_interface, second_node, second_interface, segment, number, id)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [...values, number, id],
  );
  return id;
}

/**
 * Makes the VRRP instances of a pair those of the load balancers that are placed there. A pair without any goes.
 * @param options.preempt whether the first node takes the VIPs back
 * @returns the nodes of the pair. Faults: `balancer_conflict` if no router id is free
 */
export async function refreshPair(
  transaction: Transaction,
  ground: Ground,
  pair: number,
  { now, preempt = false }: { now: number; preempt?: boolean },
): Promise<number[]> {
  const row = await transaction.one('SELECT * FROM balancer_pairs WHERE id = $1', [pair]);
  if (row === undefined) return [];
  const devices = devicesOf(row);
  const priority = prioritiesOf(row);
  const owner = { family, id: pair };
  const vips = await transaction.all(
    `SELECT vip_address, vip_prefix FROM balancer_load_balancers WHERE pair = $1 ORDER BY created_ms, id`,
    [pair],
  );
  if (vips.length === 0) {
    await setInstances(transaction, owner, [], now);
    await transaction.run('DELETE FROM balancer_pairs WHERE id = $1', [pair]);
    return devices.map(({ node }) => node);
  }
  const segment = String(row['segment']);
  const byFamily = (version: 4 | 6) =>
    vips
      .filter((each) => parseIp(String(each['vip_address']))?.version === version)
      .map((each) => `${String(each['vip_address'])}/${Number(each['vip_prefix'])}`);
  const wanted = [
    { family: 'ipv4' as const, addresses: byFamily(4) },
    { family: 'ipv6' as const, addresses: byFamily(6) },
  ].filter(({ addresses }) => addresses.length > 0);
  const families = wanted.map((each) => each.family);
  const [present] = await instancesOf(transaction, owner);
  const routerId = await orConflict(
    takeRouterId(transaction, {
      owner,
      segment,
      families,
      interfaces: devices,
      present: present?.routerId,
      onTheWire: ground.onTheWire({ segment, families }),
      from: ground.firstRouterId,
      now,
    }),
  );
  await setInstances(
    transaction,
    owner,
    wanted.map((each) => ({
      name: instanceNames(pair)[each.family === 'ipv4' ? 0 : 1],
      owner,
      family: each.family,
      segment,
      routerId,
      addresses: each.addresses,
      interval: ground.interval,
      preempt,
      isUnicast: isUnicastByDefault(devices.length),
      syncGroup: wanted.length > 1 ? `lbs_${pair}` : null,
      check: null,
      isActive: true,
      peers: devices
        .map((device) => ({ ...device, priority: priority.get(device.node) ?? priorities[1] }))
        .sort((a, b) => a.node - b.node),
    })),
    now,
  );
  return devices.map(({ node }) => node);
}

/** The names of the VRRP instances of a pair, for IPv4 and for IPv6. */
export function instanceNames(pair: number): readonly [string, string] {
  return [`lb_${pair}`, `lb_${pair}_v6`];
}

/** The priority of each node, by the row of its pair. */
export function prioritiesOf(row: Row): ReadonlyMap<number, number> {
  const found = new Map<number, number>(
    devicesOf(row).map(({ node }, at) => [node, priorities[at] ?? priorities[1]]),
  );
  const holder = row['holder'] ?? null;
  return holder === null ? found : found.set(Number(holder), Number(row['holder_priority']));
}

function devicesOf(row: Row): Device[] {
  const device = (which: string): Device => ({
    node: Number(row[`${which}_node`]),
    interface: String(row[`${which}_interface`]),
  });
  return [device('first'), device('second')].filter(({ node }) => node !== 0);
}

async function orConflict<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Fault && error.code === 'router_ids_exhausted') throw taken(error.message);
    throw error;
  }
}
