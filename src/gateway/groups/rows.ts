import type { Reading, Row, Transaction } from '../../controller/store/store.ts';
import { addressesOfOthers } from '../../controller/vrrp/rows.ts';
import { Fault } from '../../kit/fault.ts';
import { withoutPrefix } from '../../kit/ip.ts';
import { refuseDnsName } from '../dns/names.ts';
import { family, type Group, type GroupStatus, published, virtualAddresses } from '../gateway.ts';

/** What no query looks for, as JSON in one column. */
type Settings = Pick<Group, 'interval' | 'preempt' | 'isUnicast' | 'check' | 'members'>;

/** The groups that a caller wants. */
export interface GroupQuery {
  name?: string | undefined;
  /** From 1. */
  page: number;
  pageSize: number;
}

const columns =
  'id, gateway, name, status, virtual_ip, virtual_ipv6, router_id, revision, settings';

/** A part of the groups of a gateway by their ids, and the number of all that match. */
export async function listGroups(
  reading: Reading,
  gateway: number,
  { name, page, pageSize }: GroupQuery,
): Promise<{ groups: Group[]; count: number }> {
  const matching = `FROM gateway_groups WHERE gateway = $1${name === undefined ? '' : ' AND name = $2'}`;
  const values = name === undefined ? [gateway] : [gateway, name];
  const [limit, offset] = [values.length + 1, values.length + 2].map((at) => `$${at}`);
  const counted = await reading.one(`SELECT COUNT(*) AS count ${matching}`, values);
  const rows = await reading.all(
    `SELECT ${columns} ${matching} ORDER BY id LIMIT ${limit} OFFSET ${offset}`,
    [...values, pageSize, (page - 1) * pageSize],
  );
  return { groups: rows.map(groupOf), count: Number(counted?.['count'] ?? 0) };
}

/** All groups of all gateways. */
export async function allGroups(reading: Reading): Promise<Group[]> {
  return (await reading.all(`SELECT ${columns} FROM gateway_groups ORDER BY id`)).map(groupOf);
}

/** Faults: `group_not_found` */
export async function findGroup(reading: Reading, gateway: number, id: number): Promise<Group> {
  const row = await reading.one(
    `SELECT ${columns} FROM gateway_groups WHERE gateway = $1 AND id = $2`,
    [gateway, id],
  );
  if (row) return groupOf(row);
  throw new Fault(
    'group_not_found',
    `There is no group ${id} in the gateway ${gateway}. A read of the collection lists the groups.`,
  );
}

/**
 * Adds a group, or replaces the one with its id.
 * Faults: `name_taken`, `address_taken`
 */
export async function putGroup(transaction: Transaction, group: Group): Promise<void> {
  await refuseTaken(transaction, group);
  const { interval, preempt, isUnicast, check, members } = group;
  const settings: Settings = { interval, preempt, isUnicast, check, members };
  await transaction.run(
    `INSERT INTO gateway_groups (${columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT (id) DO UPDATE SET name = excluded.name, status = excluded.status,
       virtual_ip = excluded.virtual_ip, virtual_ipv6 = excluded.virtual_ipv6,
       router_id = excluded.router_id, revision = excluded.revision, settings = excluded.settings`,
    [
      group.id,
      group.gateway,
      group.name,
      group.status,
      group.virtualIp,
      group.virtualIpv6,
      group.routerId,
      group.revision,
      JSON.stringify(settings),
    ],
  );
  await transaction.run('DELETE FROM gateway_addresses WHERE group_id = $1', [group.id]);
  for (const address of virtualAddresses(group).map(withoutPrefix)) {
    await transaction.run('INSERT INTO gateway_addresses (address, group_id) VALUES ($1, $2)', [
      address,
      group.id,
    ]);
  }
}

export async function removeGroup(transaction: Transaction, id: number): Promise<void> {
  await transaction.run('DELETE FROM gateway_addresses WHERE group_id = $1', [id]);
  await transaction.run('DELETE FROM gateway_groups WHERE id = $1', [id]);
}

async function refuseTaken(transaction: Transaction, group: Group): Promise<void> {
  const { id, gateway, name } = group;
  const namesake = await transaction.one(
    'SELECT id FROM gateway_groups WHERE gateway = $1 AND name = $2 AND id <> $3',
    [gateway, name, id],
  );
  if (namesake) {
    throw new Fault(
      'name_taken',
      `The group ${Number(namesake['id'])} of this gateway has the name '${name}'. Choose another name, or change that group.`,
    );
  }
  const foreign = await addressesOfOthers(transaction, family);
  if (group.status === published) {
    const own = await transaction.one('SELECT name FROM gateways WHERE id = $1', [gateway]);
    await refuseDnsName(transaction, group, String(own?.['name']));
  }
  for (const address of virtualAddresses(group).map(withoutPrefix)) {
    if (foreign.has(address)) {
      throw new Fault(
        'address_taken',
        `${address} is the VIP of a load balancer of this controller. Choose another address; 'hactl lb list' shows the VIPs.`,
      );
    }
    const other = await transaction.one(
      `SELECT g.id, g.gateway FROM gateway_addresses a JOIN gateway_groups g ON g.id = a.group_id
       WHERE a.address = $1 AND g.id <> $2`,
      [address, id],
    );
    if (other) {
      throw new Fault(
        'address_taken',
        `The group ${Number(other['id'])} of the gateway ${Number(other['gateway'])} has the address ${address}. Choose another address, or change that group.`,
      );
    }
  }
}

function groupOf(row: Row): Group {
  const text = (name: string) => (row[name] === null ? null : String(row[name]));
  return {
    id: Number(row['id']),
    gateway: Number(row['gateway']),
    name: String(row['name']),
    status: Number(row['status']) as GroupStatus,
    virtualIp: text('virtual_ip'),
    virtualIpv6: text('virtual_ipv6'),
    routerId: Number(row['router_id']),
    revision: Number(row['revision']),
    ...(JSON.parse(String(row['settings'])) as Settings),
  };
}
