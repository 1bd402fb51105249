import { readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import type { NodeRecord } from './record.ts';
import { nodePaths } from './record.ts';
import { attempt, run } from './run.ts';

/** A network card of a node beside that of its management network. */
export interface Port {
  readonly mac: string;
  /** The bridge of this machine that it is plugged into. */
  readonly bridge: string;
  /** Its end on this machine. */
  readonly veth: string;
  /** Its name in the node when it is found there, as a hypervisor's hot-plugged card has. */
  readonly name: string;
}

/** The cards that a node has, also while it is off. */
export async function portsOf(node: NodeRecord): Promise<Port[]> {
  const text = await readFile(nodePaths(node).ports, 'utf8').catch(() => '[]');
  return JSON.parse(text) as Port[];
}

/** Plugs a card into a node that is on. It is there again after each boot. */
export async function addPort(node: NodeRecord, port: Port): Promise<void> {
  await plugPort(node, port, true);
  await savePorts(node, [...(await portsOf(node)), port]);
}

/** Pulls a card out of a node, wherever it was moved in there. */
export async function removePort(node: NodeRecord, mac: string): Promise<void> {
  const ports = await portsOf(node);
  for (const port of ports.filter((each) => each.mac === mac)) {
    await attempt(['ip', 'link', 'delete', port.veth]);
  }
  await savePorts(
    node,
    ports.filter((each) => each.mac !== mac),
  );
}

/** Plugs all cards of a node in whose namespace exists. */
export async function plugPorts(node: NodeRecord, hasLink: boolean): Promise<void> {
  for (const port of await portsOf(node)) {
    await plugPort(node, port, hasLink);
  }
}

/** Pulls all cards out at once, as a power cut does. */
export async function unplugPorts(node: NodeRecord): Promise<void> {
  for (const { veth } of await portsOf(node)) {
    await attempt(['ip', 'link', 'delete', veth]);
  }
}

/** Connects all cards of a node with their bridges, or cuts them off. */
export async function linkPorts(node: NodeRecord, isLinked: boolean): Promise<void> {
  for (const { veth, bridge } of await portsOf(node)) {
    if (existsSync(`/sys/class/net/${veth}`)) {
      const change = isLinked ? ['master', bridge] : ['nomaster'];
      await run(['ip', 'link', 'set', veth, ...change]);
    }
  }
}

async function plugPort(node: NodeRecord, port: Port, hasLink: boolean): Promise<void> {
  const { veth, mac, name, bridge } = port;
  const peer = ['peer', 'name', name, 'address', mac, 'netns', node.machine];
  await run(['ip', 'link', 'add', veth, 'type', 'veth', ...peer]);
  if (hasLink) {
    await run(['ip', 'link', 'set', veth, 'master', bridge]);
  }
  await run(['ip', 'link', 'set', veth, 'up']);
}

const savePorts = (node: NodeRecord, ports: readonly Port[]): Promise<void> =>
  writeFile(nodePaths(node).ports, JSON.stringify(ports, null, 2));
