import { randomUUID } from 'node:crypto';

import type { Reading, Row, Store, Transaction } from '../../controller/store/store.ts';
import { addressesOfOthers } from '../../controller/vrrp/rows.ts';
import { parseIp } from '../../kit/ip.ts';
import type { BalancerDomain, NewVip, Scope } from '../domain.ts';
import type { Port } from '../grounds.ts';
import { family } from '../objects.ts';
import { textIn, textOrNull, timeText } from '../rows/objects.ts';
import { invalid, notFound, taken } from '../sentences.ts';
import type { Networks, SubnetForVip } from './networks.ts';

/** An address that a transaction is about to take. */
export interface BookedPort {
  id: string;
  network: string;
  subnet: string;
  address: string;
  prefix: number;
  /** Whether somebody has made it before, and it therefore stays after its load balancer. */
  isLasting: boolean;
}

/**
 * Finds the port of a VIP: one that was made before, or a free address.
 * @param owned addresses of nodes themselves
 * Faults: `balancer_invalid`, `balancer_conflict` if the address is taken
 */
export async function bookPort(
  transaction: Transaction,
  networks: Networks,
  vip: NewVip,
  { owned, tenant }: { owned: ReadonlySet<string>; tenant: string | undefined },
): Promise<BookedPort> {
  if (vip.port !== undefined) {
    const made = await findMade(transaction, vip.port, vip.address, tenant);
    if (made) return made;
  }
  const subnet = vip.port === undefined ? networks.subnetFor(vip) : networks.strayPort(vip.port);
  if (subnet === undefined) throw invalid(`Port ${vip.port ?? ''} not found.`);
  const address = await chooseAddress(transaction, subnet, vip.address, owned);
  return {
    id: vip.port?.toLowerCase() ?? randomUUID(),
    network: subnet.network,
    subnet: subnet.subnet,
    address,
    prefix: subnet.prefix,
    isLasting: false,
  };
}

/** A port that was made before and that nothing has. Faults: `balancer_invalid`, `balancer_conflict` */
async function findMade(
  transaction: Transaction,
  id: string,
  address: string | undefined,
  tenant: string | undefined,
): Promise<BookedPort | undefined> {
  const row = await transaction.one('SELECT * FROM balancer_ports WHERE id = $1', [
    id.toLowerCase(),
  ]);
  if (row === undefined) return undefined;
  if (tenant !== undefined && row['project'] !== tenant) throw invalid(`Port ${id} not found.`);
  if (row['owner'] !== null)
    throw taken(`Port ${id} is in use by the load balancer ${textIn(row, 'owner')}.`);
  if (address !== undefined && canonical(address) !== row['address'])
    throw invalid(`Validation failure: Port ${id} has the address ${textIn(row, 'address')}.`);
  return {
    id: textIn(row, 'id'),
    network: textIn(row, 'network'),
    subnet: textIn(row, 'subnet'),
    address: textIn(row, 'address'),
    prefix: Number(row['prefix']),
    isLasting: true,
  };
}

async function chooseAddress(
  transaction: Transaction,
  subnet: SubnetForVip,
  wanted: string | undefined,
  owned: ReadonlySet<string>,
): Promise<string> {
  const rows = await transaction.all('SELECT address FROM balancer_ports WHERE network = $1', [
    subnet.network,
  ]);
  const used = new Set(rows.map((row) => textIn(row, 'address')));
  const foreign = await addressesOfOthers(transaction, family);
  const isFree = (address: string) =>
    !used.has(address) && !foreign.has(address) && !owned.has(address);
  if (wanted !== undefined) {
    const address = canonical(wanted);
    if (isFree(address)) return address;
    throw taken(
      `The address ${address} is taken in the network ${subnet.network}. Choose another one, or leave it out.`,
    );
  }
  for (const address of subnet.addresses()) if (isFree(address)) return address;
  throw taken(`No more IP addresses available on network ${subnet.network}.`);
}

function canonical(address: string): string {
  return parseIp(address)?.text ?? address;
}

/** Writes a booked port. */
export async function claimPort(
  transaction: Transaction,
  { id, network, subnet, address, prefix, isLasting }: BookedPort,
  { owner, project, now }: { owner: string | null; project: string; now: number },
): Promise<void> {
  if (isLasting && owner !== null) {
    await transaction.run('UPDATE balancer_ports SET owner = $1 WHERE id = $2', [owner, id]);
    return;
  }
  await transaction.run(
    `INSERT INTO balancer_ports
       (id, network, subnet, address, prefix, owner, is_lasting, project, created_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [id, network, subnet, address, prefix, owner, isLasting ? 1 : 0, project, now],
  );
}

/** Frees the address of a load balancer. A port that somebody has made stays. */
export async function releasePort(transaction: Transaction, owner: string): Promise<void> {
  await transaction.run('DELETE FROM balancer_ports WHERE owner = $1 AND is_lasting = 0', [owner]);
  await transaction.run('UPDATE balancer_ports SET owner = NULL WHERE owner = $1', [owner]);
}

export function makePorts({
  store,
  networks,
  clock,
  ownedAddresses,
}: {
  store: Store;
  networks: Networks;
  clock: () => number;
  /** The addresses of nodes themselves. */
  ownedAddresses: () => Promise<ReadonlySet<string>>;
}): BalancerDomain['ports'] {
  return {
    async list({ tenant }) {
      const rows = await store.all('SELECT * FROM balancer_ports ORDER BY created_ms, id');
      return rows.map(portOf).filter(({ project }) => tenant === undefined || project === tenant);
    },
    get: async (scope, id) => portOf(await findPort(store, scope, id)),
    async create({ tenant }, { id, project = tenant, ...wish }) {
      if (project === undefined)
        throw invalid('Validation failure: Missing project ID in request where one is required.');
      if (tenant !== undefined && project !== tenant)
        throw invalid(
          `Validation failure: This token is bound to the project ${tenant}, and makes nothing in another one.`,
        );
      const owned = await ownedAddresses();
      return store.write(async (transaction) => {
        const present =
          id === undefined
            ? undefined
            : await transaction.one('SELECT * FROM balancer_ports WHERE id = $1', [
                id.toLowerCase(),
              ]);
        if (present) return repeated(portOf(present), { ...wish, project });
        const booked = await bookPort(transaction, networks, wish, { owned, tenant });
        const port = { ...booked, id: id?.toLowerCase() ?? booked.id, isLasting: true };
        await claimPort(transaction, port, { owner: null, project, now: clock() });
        return portOf(await findPort(transaction, { tenant: undefined }, port.id));
      });
    },
    async remove(scope, id) {
      await store.write(async (transaction) => {
        const { owner, ...port } = portOf(await findPort(transaction, scope, id));
        if (owner !== null)
          throw taken(`Port ${id} is in use by the load balancer ${owner}. Delete that first.`);
        await transaction.run('DELETE FROM balancer_ports WHERE id = $1', [port.id]);
      });
    },
  };
}

/** Faults: `balancer_conflict` if the port is another one */
function repeated(port: Port, wish: Omit<NewVip, 'port'> & { project: string }): Port {
  const isSame =
    port.project === wish.project &&
    (wish.network ?? port.network) === port.network &&
    (wish.subnet ?? port.subnet) === port.subnet &&
    canonical(wish.address ?? port.address) === port.address;
  if (!isSame) throw taken('Already an entity with that specified id.');
  return port;
}

async function findPort(reading: Reading, { tenant }: Scope, id: string): Promise<Row> {
  const row = await reading.one('SELECT * FROM balancer_ports WHERE id = $1', [id.toLowerCase()]);
  if (row === undefined || (tenant !== undefined && row['project'] !== tenant))
    throw notFound('Port', id);
  return row;
}

function portOf(row: Row): Port {
  return {
    id: textIn(row, 'id'),
    network: textIn(row, 'network'),
    subnet: textIn(row, 'subnet'),
    address: textIn(row, 'address'),
    owner: textOrNull(row, 'owner'),
    project: textIn(row, 'project'),
    createdAt: timeText(Number(row['created_ms'])),
  };
}
