import { randomUUID } from 'node:crypto';

import type { Reading, Transaction } from '../../controller/store/store.ts';
import { addressesOfOthers } from '../../controller/vrrp/rows.ts';
import { parseIp } from '../../kit/ip.ts';
import type { NewVip } from '../domain.ts';
import { family } from '../objects.ts';
import { textIn } from '../rows/objects.ts';
import { invalid, taken } from '../sentences.ts';
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

/** What to book an address by, besides the rows. */
export interface Booking {
  /** Whether nobody is known to have an address outside of the rows. */
  isFree: (network: string, address: string) => boolean;
  /** Called with the address that is about to be booked, unless its port was made before. It may throw. */
  demand?: (address: string) => void;
}

/**
 * The address that a wish would get now.
 * @returns undefined if its port was made before
 * Faults: `balancer_invalid`, `balancer_conflict` if the address is taken
 */
export async function addressFor(
  reading: Reading,
  networks: Networks,
  vip: NewVip,
  booking: Booking,
): Promise<{ network: string; address: string } | undefined> {
  const subnet = vip.port === undefined ? networks.subnetFor(vip) : networks.strayPort(vip.port);
  if (subnet === undefined) return undefined;
  const { network } = subnet;
  return { network, address: await chooseAddress(reading, subnet, vip.address, booking) };
}

/**
 * Finds the port of a VIP: one that was made before, or a free address.
 * Faults: `balancer_invalid`, `balancer_conflict` if the address is taken
 */
export async function bookPort(
  transaction: Transaction,
  networks: Networks,
  vip: NewVip,
  { booking, tenant }: { booking: Booking; tenant: string | undefined },
): Promise<BookedPort> {
  if (vip.port !== undefined) {
    const made = await findMade(transaction, vip.port, vip.address, tenant);
    if (made) return made;
  }
  const subnet = vip.port === undefined ? networks.subnetFor(vip) : networks.strayPort(vip.port);
  if (subnet === undefined) throw invalid(`Port ${vip.port ?? ''} not found.`);
  const address = await chooseAddress(transaction, subnet, vip.address, booking);
  booking.demand?.(address);
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
  reading: Reading,
  subnet: SubnetForVip,
  wanted: string | undefined,
  booking: Booking,
): Promise<string> {
  const rows = await reading.all('SELECT address FROM balancer_ports WHERE network = $1', [
    subnet.network,
  ]);
  const used = new Set(rows.map((row) => textIn(row, 'address')));
  const foreign = await addressesOfOthers(reading, family);
  const isFree = (address: string) =>
    !used.has(address) && !foreign.has(address) && booking.isFree(subnet.network, address);
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

/** The text of an address as rows have it. */
export function canonical(address: string): string {
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
