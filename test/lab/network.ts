import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { linkPorts, plugPorts, unplugPorts } from './ports.ts';
import type { LabRecord, NodeRecord } from './record.ts';
import { claimedBridges, isMachineOf, nodePaths } from './record.ts';
import type { Argv } from './run.ts';
import { attempt, run } from './run.ts';

/** The name of the network interface in a node, as in the contract's `VIP_mgmt0`. */
export const nodeInterface = 'mgmt0';

/** Whether this machine has an address in the network `a.b.c`, other than a lab's. */
export function isNetworkOfThisMachine(network: string): boolean {
  return Object.values(networkInterfaces())
    .flat()
    .some((address) => address?.address.startsWith(`${network}.`));
}

/**
 * The hardware address for an IPv4 address, a locally administered one. Without it, a bridge takes the address of one
 * of its ports, and another one when that port goes. After a node lost its power, this machine would then be out of the
 * nodes' reach for a minute, until their neighbour tables forget the old address. A card also keeps its address over a
 * boot.
 */
function hardwareAddressOf(address: string): string {
  const octets = address.split('.').map((octet) => Number(octet).toString(16).padStart(2, '0'));
  return ['02', '00', ...octets].join(':');
}

/** Makes the bridge that the nodes of a lab share, with an address of this machine on it. */
export async function makeBridge(lab: LabRecord): Promise<void> {
  const address = ['address', hardwareAddressOf(lab.gateway)];
  await run(['ip', 'link', 'add', lab.bridge, ...address, 'type', 'bridge']);
  await run(['ip', 'address', 'add', `${lab.gateway}/24`, 'dev', lab.bridge]);
  await run(['ip', 'link', 'set', lab.bridge, 'up']);
}

/** Plugs a node in. A cut or a `netem` from before it went off still applies. */
export async function plugIn(lab: LabRecord, node: NodeRecord): Promise<void> {
  const { machine: netns, veth } = node;
  const inside = ['ip', '-netns', netns] as const;
  await run(['ip', 'netns', 'add', netns]);
  const address = ['address', hardwareAddressOf(node.address)];
  const peer = ['peer', 'name', nodeInterface, ...address, 'netns', netns];
  await run(['ip', 'link', 'add', veth, 'type', 'veth', ...peer]);
  await run([...inside, 'address', 'add', `${node.address}/24`, 'dev', nodeInterface]);
  await run([...inside, 'link', 'set', 'lo', 'up']);
  await run([...inside, 'link', 'set', nodeInterface, 'up']);
  await run([...inside, 'route', 'add', 'default', 'via', lab.gateway]);
  await run(['ip', 'link', 'set', veth, 'up']);
  if (!isCut(node)) {
    await run(['ip', 'link', 'set', veth, 'master', lab.bridge]);
  }
  await plugPorts(node, !isCut(node));
  const disturbance = await netemOf(node);
  if (disturbance.length > 0) {
    await disturb(node, disturbance);
  }
}

/**
 * Pulls the plug. The namespace of a node that lost its power has to go too, because it would still answer for the
 * addresses that the node had taken over.
 */
export async function unplug(node: NodeRecord): Promise<void> {
  // The interfaces go first, because the kernel empties a deleted namespace only later
  await unplugPorts(node);
  await attempt(['ip', 'link', 'delete', node.veth]);
  await attempt(['ip', 'netns', 'delete', node.machine]);
}

export const isCut = (node: NodeRecord): boolean => existsSync(nodePaths(node).cut);

/** Cuts a node off: from the other nodes, from this machine, and from the power switch. */
export async function cut(node: NodeRecord): Promise<void> {
  await writeFile(nodePaths(node).cut, '');
  await ifPluggedIn(node, ['nomaster']);
  await linkPorts(node, false);
}

export async function mend(lab: LabRecord, node: NodeRecord): Promise<void> {
  await rm(nodePaths(node).cut, { force: true });
  await ifPluggedIn(node, ['master', lab.bridge]);
  await linkPorts(node, true);
}

async function ifPluggedIn(node: NodeRecord, change: string[]): Promise<void> {
  if (existsSync(`/sys/class/net/${node.veth}`)) {
    await run(['ip', 'link', 'set', node.veth, ...change]);
  }
}

/**
 * Disturbs the traffic of a node, both what it sends and what it gets.
 * @param args arguments of `tc qdisc … netem`, such as `['delay', '100ms', 'loss', '10%']`; empty for no disturbance
 * @throws {Error} if the kernel has no netem, or `tc` does not understand the arguments
 */
export async function netem(node: NodeRecord, args: readonly string[]): Promise<void> {
  if (existsSync(`/sys/class/net/${node.veth}`)) {
    await disturb(node, args);
  }
  await writeFile(nodePaths(node).netem, args.join('\n'));
}

async function netemOf(node: NodeRecord): Promise<string[]> {
  const text = await readFile(nodePaths(node).netem, 'utf8').catch(() => '');
  return text.split('\n').filter(Boolean);
}

async function disturb(node: NodeRecord, args: readonly string[]): Promise<void> {
  const ends: Argv[] = [
    ['tc', 'qdisc', 'replace', 'dev', node.veth, 'root'],
    ['tc', '-netns', node.machine, 'qdisc', 'replace', 'dev', nodeInterface, 'root'],
  ];
  for (const end of ends) {
    const discipline = args.length === 0 ? ['pfifo'] : ['netem', ...args];
    const { exitCode, stderr } = await attempt([...end, ...discipline]);
    if (stderr.includes('qdisc kind is unknown')) {
      throw new Error(
        'The kernel of this machine has no netem (CONFIG_NET_SCH_NETEM, on Debian in the package of the full kernel): use `cut`, or another machine.',
      );
    }
    if (exitCode !== 0) {
      throw new Error(`tc does not take "netem ${args.join(' ')}": ${stderr.trim()}`);
    }
  }
}

/** Removes everything of a lab's network, which is found by its name. */
export async function removeNetwork(lab: string): Promise<void> {
  const namespaces = await readdir('/run/netns').catch(() => []);
  for (const netns of namespaces.filter((name) => isMachineOf(lab, name))) {
    await run(['ip', 'netns', 'delete', netns]);
  }
  const interfaces = await readdir('/sys/class/net');
  for (const bridge of await claimedBridges(lab)) {
    for (const name of interfaces) {
      if (name === bridge || name.startsWith(`${bridge}n`)) {
        // Interfaces whose other end was in a namespace may have gone with it
        await attempt(['ip', 'link', 'delete', name]);
      }
    }
  }
}
