import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

import { systemErrorCode } from '../../kit/fault.ts';
import type { Destination } from '../settings.ts';

/**
 * Whether a destination is this host itself: all nodes of a cluster have the same settings. Ask each time, because an
 * address moves with the cluster's resources. An unknown name belongs to nobody.
 * @param ownPort the port on which this host receives liferafts
 */
export async function isThisHost({ host, port }: Destination, ownPort: number): Promise<boolean> {
  if (port !== ownPort) return false;
  const own = new Set(
    Object.values(networkInterfaces()).flatMap((each) => each?.map(({ address }) => address) ?? []),
  );
  return (await addressesOf(host)).some((address) => own.has(address.split('%')[0] ?? ''));
}

async function addressesOf(host: string): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (error) {
    // The attempt to connect reports what is wrong with it.
    if (systemErrorCode(error) !== undefined) return [];
    throw error;
  }
}
