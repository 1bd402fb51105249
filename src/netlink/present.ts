import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';

import { ifThere } from '../kit/files/files.ts';
import { parseIp } from '../kit/ip.ts';
import type { Ip } from './ip.ts';

export interface PresentInterface {
  name: string;
  /** With prefix lengths, in canonical text. */
  addresses: readonly string[];
  /** Whether it can carry packets. */
  isUp: boolean;
}

/**
 * The interfaces of this process's namespace that are up and have addresses. It asks the kernel by netlink in this
 * process (getifaddrs(3)), which takes a fifth of a millisecond; `ip` would be a process each time.
 */
export function readUpInterfaces(): Map<string, PresentInterface> {
  const found = new Map<string, PresentInterface>();
  // Node.js leaves out interfaces that are down or have no carrier, and those without an address.
  for (const [name, entries = []] of Object.entries(networkInterfaces())) {
    // The text of IPv4 is canonical already, and this is done each second.
    const addresses = entries.flatMap(({ cidr, family }) =>
      cidr === null ? [] : [family === 'IPv4' ? cidr : canonical(cidr)],
    );
    found.set(name, { name, addresses, isUp: true });
  }
  return found;
}

/**
 * The same for interfaces by their names, up or down, with or without addresses.
 * @param folder where the kernel shows interfaces, a folder for each
 * @returns those that exist. Faults: those of Ip
 */
export async function readInterfaces(
  ip: Pick<Ip, 'addresses'>,
  names: readonly string[],
  folder = '/sys/class/net',
): Promise<Map<string, PresentInterface>> {
  const present = readUpInterfaces();
  const others = names.filter((name) => !present.has(name));
  const states = await Promise.all(others.map((name) => operationalState(join(folder, name))));
  const hasDown = states.some((state) => state !== undefined && !isUp(state));
  const addresses = hasDown ? await ip.addresses() : [];
  for (const [at, name] of others.entries()) {
    const state = states[at];
    if (state === undefined) continue;
    const own = addresses.filter(({ device }) => device === name);
    present.set(name, {
      name,
      addresses: own.map(({ address, prefix }) => canonical(`${address}/${prefix}`)),
      isUp: isUp(state),
    });
  }
  return new Map([...present].filter(([name]) => names.includes(name)));
}

/** Links without an own notion of a carrier, such as tunnels, are "unknown" (RFC 2863). */
function isUp(state: string): boolean {
  return state === 'up' || state === 'unknown';
}

/** @returns undefined if there is no such interface */
async function operationalState(folder: string): Promise<string | undefined> {
  const reading = readFile(join(folder, 'operstate'), 'utf8');
  return (await ifThere(reading, ['ENOENT', 'ENODEV', 'EINVAL']))?.trim();
}

function canonical(cidr: string): string {
  const [address = '', prefix = ''] = cidr.split('/');
  return `${parseIp(address)?.text ?? address}/${prefix}`;
}
