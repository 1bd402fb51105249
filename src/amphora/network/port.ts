import { setTimeout as sleep } from 'node:timers/promises';

import { Fault } from '../../kit/fault.ts';
import type { Ip } from '../../netlink/ip.ts';
import type { Link } from '../../parsers/iproute2.ts';

/** Kinds of links that share the MAC of the link below them. */
const stacked = new Set(['vlan', 'macvlan', 'macvtap', 'ipvlan', 'ipvtap', 'bridge']);

/** How often a hot-plugged port is looked up after the bus was rescanned. The kernel names it in that time. */
const looks = { count: 5, pauseMs: 200 };

/** The link with the MAC. The ports of a bond or bridge and links on top of the port have the same one, and count less. */
export function linkOf(links: readonly Link[], mac: string): Link | undefined {
  const rank = ({ master, kind = '' }: Link) =>
    (master === undefined ? 0 : 2) + (stacked.has(kind) ? 1 : 0);
  return links.filter((each) => each.mac === mac).sort((a, b) => rank(a) - rank(b))[0];
}

/**
 * Finds a port of the host. The kernel may not have noticed one that was just plugged in, so the bus is rescanned once.
 * Faults: `port_not_found`, those of Ip
 */
export async function findPort(ip: Ip, mac: string, rescan: () => Promise<void>): Promise<Link> {
  const found = linkOf(await ip.links(), mac);
  if (found) return found;
  await rescan();
  for (let look = 0; look < looks.count; look += 1) {
    if (look > 0) await sleep(looks.pauseMs);
    const port = linkOf(await ip.links(), mac);
    if (port) return port;
  }
  throw new Fault(
    'port_not_found',
    `No suitable network interface found with the MAC ${mac}. Compare 'ip link' on the host; a port that was just plugged in may need some seconds.`,
  );
}

/** How often a move is tried. udev may give a new port another name at the same moment. */
const maxMoves = 3;

/**
 * Moves a port of the host into the namespace.
 * @param name its name there
 * Faults: `port_not_found`, `tool_failed`, those of Run
 */
export async function movePort(
  host: Ip,
  mac: string,
  to: { namespace: string; name: string },
  rescan: () => Promise<void>,
): Promise<void> {
  for (let move = 1; ; move += 1) {
    const port = await findPort(host, mac, rescan);
    await refuseManagementPort(host, port.name);
    try {
      await host.moveLink(port.name, to.namespace, to.name);
      return;
    } catch (error) {
      const isRenamed = linkOf(await host.links(), mac)?.name !== port.name;
      if (!isRenamed || move === maxMoves) throw error;
    }
  }
}

/** A wrong MAC must not take the host off its management network. */
async function refuseManagementPort(host: Ip, name: string): Promise<void> {
  const devices = await host.defaultDevices();
  if (devices.length > 0 && devices.every((each) => each === name)) {
    throw new Fault(
      'tool_failed',
      `${name} has the only default route of the host, so it is not moved to the tenants. Plug a port of its own.`,
    );
  }
}
