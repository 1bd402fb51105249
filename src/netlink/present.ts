import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';

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
 * The interfaces of this process's namespace that are up, with their addresses. It asks the kernel by netlink in this
 * process (getifaddrs(3)), which takes a fifth of a millisecond; `ip` would be a process each time.
 */
export function readUpInterfaces(): Map<string, PresentInterface> {
  const found = new Map<string, PresentInterface>();
  // Node.js leaves out interfaces that are down or have no carrier.
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
 * The same for interfaces by their names, up or down.
 * @returns those that exist. Faults: those of Ip
 */
export async function readInterfaces(
  ip: Pick<Ip, 'addresses'>,
  names: readonly string[],
): Promise<Map<string, PresentInterface>> {
  const present = readUpInterfaces();
  const others = names.filter((name) => !present.has(name));
  const existing = await Promise.all(
    others.map(async (name) => ((await interfaceFlags(name)) === undefined ? [] : [name])),
  );
  const down = existing.flat();
  const addresses = down.length === 0 ? [] : await ip.addresses();
  for (const name of down) {
    const own = addresses.filter(({ device }) => device === name);
    present.set(name, {
      name,
      addresses: own.map(({ address, prefix }) => canonical(`${address}/${prefix}`)),
      isUp: false,
    });
  }
  return new Map([...present].filter(([name]) => names.includes(name)));
}

/** The flags of the kernel in hexadecimal, or undefined if there is no such interface. */
function interfaceFlags(name: string): Promise<string | undefined> {
  return ifThere(readFile(`/sys/class/net/${name}/flags`, 'utf8'), ['ENOENT', 'ENODEV', 'EINVAL']);
}

function canonical(cidr: string): string {
  const [address = '', prefix = ''] = cidr.split('/');
  return `${parseIp(address)?.text ?? address}/${prefix}`;
}
