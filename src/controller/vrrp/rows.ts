import { withoutPrefix } from '../../kit/ip.ts';
import type { Reading, Row, Transaction } from '../store/store.ts';
import type { VrrpInstance, VrrpPeer } from './instances.ts';

/** Who owns an instance. */
export type Owner = VrrpInstance['owner'];

/** What no query looks for, as JSON in one column. */
type Settings = Pick<
  VrrpInstance,
  'addresses' | 'interval' | 'preempt' | 'isUnicast' | 'syncGroup' | 'check'
>;

const columns = 'name, owner_family, owner_id, family, segment, router_id, is_active, settings';

/** One query, so that nobody reads an instance with the peers of another moment. */
const select = `SELECT i.name, i.owner_family, i.owner_id, i.family, i.segment, i.router_id, i.is_active, i.settings,
  p.node, p.interface, p.priority
  FROM vrrp_instances i LEFT JOIN vrrp_peers p ON p.instance = i.name`;
const order = 'ORDER BY i.owner_family, i.owner_id, i.family, p.node';

/** All instances with their peers, always in the same order: by owner, IPv4 first. */
export async function listInstances(reading: Reading): Promise<VrrpInstance[]> {
  return joined(await reading.all(`${select} ${order}`));
}

/** The instances of one owner, IPv4 first. */
export async function instancesOf(
  reading: Reading,
  { family, id }: Owner,
): Promise<VrrpInstance[]> {
  const owned = 'WHERE i.owner_family = $1 AND i.owner_id = $2';
  return joined(await reading.all(`${select} ${owned} ${order}`, [family, id]));
}

/**
 * The virtual addresses of all other families, each with its owner. A family looks there in the transaction in which it
 * takes an address, so that no two families take one address.
 */
export async function addressesOfOthers(
  reading: Reading,
  family: string,
): Promise<ReadonlyMap<string, Owner>> {
  const instances = await listInstances(reading);
  return new Map(
    instances
      .filter(({ owner }) => owner.family !== family)
      .flatMap(({ addresses, owner }) =>
        addresses.map((address) => [withoutPrefix(address), owner] as const),
      ),
  );
}

/**
 * Makes the instances of an owner those that are given. A router id that is no longer used begins to rest.
 * @param now milliseconds since 1970
 */
export async function setInstances(
  transaction: Transaction,
  owner: Owner,
  instances: readonly VrrpInstance[],
  now: number,
): Promise<void> {
  const former = await instancesOf(transaction, owner);
  for (const each of former) {
    await transaction.run('DELETE FROM vrrp_peers WHERE instance = $1', [each.name]);
    await transaction.run('DELETE FROM vrrp_instances WHERE name = $1', [each.name]);
  }
  for (const each of former) {
    if (!instances.some((next) => hasSameRouterId(each, next))) await free(transaction, each, now);
  }
  for (const each of instances) await insert(transaction, each);
}

function hasSameRouterId(a: VrrpInstance, b: VrrpInstance): boolean {
  return a.segment === b.segment && a.family === b.family && a.routerId === b.routerId;
}

async function free(
  transaction: Transaction,
  { segment, family, routerId }: VrrpInstance,
  now: number,
): Promise<void> {
  await transaction.run(
    `INSERT INTO vrrp_freed_router_ids (segment, family, router_id, freed_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (segment, family, router_id) DO UPDATE SET freed_at = excluded.freed_at`,
    [segment, family, routerId, now],
  );
}

async function insert(transaction: Transaction, instance: VrrpInstance): Promise<void> {
  const { name, owner, family, segment, routerId, isActive, peers, ...rest } = instance;
  const settings: Settings = rest;
  await transaction.run(
    `INSERT INTO vrrp_instances (${columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      name,
      owner.family,
      owner.id,
      family,
      segment,
      routerId,
      isActive ? 1 : 0,
      JSON.stringify(settings),
    ],
  );
  for (const { node, interface: device, priority } of peers) {
    await transaction.run(
      'INSERT INTO vrrp_peers (instance, node, interface, priority) VALUES ($1, $2, $3, $4)',
      [name, node, device, priority],
    );
  }
}

/** @param rows one for each peer of an instance, those of an instance one after another */
function joined(rows: readonly Row[]): VrrpInstance[] {
  const found = new Map<string, { row: Row; peers: VrrpPeer[] }>();
  for (const row of rows) {
    const name = String(row['name']);
    const instance = found.get(name) ?? { row, peers: [] };
    found.set(name, instance);
    if (row['node'] === null) continue;
    instance.peers.push({
      node: Number(row['node']),
      interface: String(row['interface']),
      priority: Number(row['priority']),
    });
  }
  return [...found.values()].map(({ row, peers }) => instanceOf(row, peers));
}

function instanceOf(row: Row, peers: readonly VrrpPeer[]): VrrpInstance {
  return {
    name: String(row['name']),
    owner: { family: String(row['owner_family']), id: Number(row['owner_id']) },
    family: row['family'] === 'ipv4' ? 'ipv4' : 'ipv6',
    segment: String(row['segment']),
    routerId: Number(row['router_id']),
    isActive: row['is_active'] === 1,
    peers,
    ...(JSON.parse(String(row['settings'])) as Settings),
  };
}
