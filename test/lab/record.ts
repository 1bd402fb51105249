import {
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  rmdir,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import type { Suite } from './root.ts';

export const topologies = ['storage', 'everything', 'empty'] as const;
export type TopologyName = (typeof topologies)[number];

/** The plan of a node: everything that does not change while the lab is up. */
export interface NodeRecord {
  /** The host id, which is the node's name in the cluster too. */
  readonly name: string;
  /** The host name, after which the fence devices are named. */
  readonly host: string;
  readonly address: string;
  /** The lab's folder for this node; see `paths` below for its content. */
  readonly folder: string;
  /** Name of the node's container and of its network namespace. */
  readonly machine: string;
  readonly veth: string;
}

/** The plan of a lab, as it is written to its state folder. */
export interface LabRecord {
  readonly name: string;
  readonly suite: Suite;
  readonly topology: TopologyName;
  readonly folder: string;
  readonly bridge: string;
  /** First three numbers of the lab's addresses; the network has 24 bits. */
  readonly network: string;
  readonly gateway: string;
  readonly vip: string;
  readonly nodes: readonly NodeRecord[];
  /** False until `up` is completed. */
  readonly ready: boolean;
}

const base = '/run/ha-agent-lab';
const claims = join(base, 'networks');
const recordFile = 'lab.json';

/**
 * Host ids and host names. The first two are from the contract's status and constraints, the next two are host
 * ids from its other examples.
 */
const hosts = [
  { name: 'ae82a9a2', host: 'bitcoin' },
  { name: '5e7638bc', host: 'dolores_openlab_com' },
  { name: '09e3b2bd', host: 'teddy_openlab_com' },
  { name: '6fb117bd', host: 'maeve_openlab_com' },
  { name: 'c41d07f3', host: 'bernard_openlab_com' },
] as const;

export const maxNodes = hosts.length;

export function labFolder(name: string): string {
  return join(base, name);
}

/** Paths in the folder of a node. */
export const nodePaths = (node: NodeRecord) => ({
  /** The merged file system, which the node sees as `/`. */
  root: join(node.folder, 'root'),
  /** Fence requests of the node and the answers to them; the only folder shared with it. */
  power: join(node.folder, 'power'),
  console: join(node.folder, 'console.log'),
  /** Present while the node's network is cut. */
  cut: join(node.folder, 'cut'),
  /** The current arguments of `tc netem`, one on each line; absent if there are none. */
  netem: join(node.folder, 'netem'),
  /** The cards of a node that were plugged in later. */
  ports: join(node.folder, 'ports.json'),
});

/** The plan of a lab of this name. Pure: nothing is made yet. */
export function planLab(wish: {
  name: string;
  suite: Suite;
  topology: TopologyName;
  nodeCount: number;
  networkNumber: number;
}): LabRecord {
  const folder = labFolder(wish.name);
  const network = networkOf(wish.networkNumber);
  return {
    name: wish.name,
    suite: wish.suite,
    topology: wish.topology,
    folder,
    bridge: bridgeOf(wish.networkNumber),
    network,
    gateway: `${network}.1`,
    vip: `${network}.100`,
    nodes: hosts.slice(0, wish.nodeCount).map(({ name, host }, index) => ({
      name,
      host,
      address: `${network}.${index + 11}`,
      folder: join(folder, 'nodes', name),
      machine: machineOf(wish.name, name),
      veth: `${bridgeOf(wish.networkNumber)}n${index + 1}`,
    })),
    ready: false,
  };
}

// The name of an interface has at most 15 characters, so it is made from the lab's network number, not from its name.
const bridgeOf = (networkNumber: number): string => `halab${networkNumber}`;
const networkOf = (networkNumber: number): string => `10.213.${networkNumber}`;

/** The name of a container or network namespace of a lab. */
export const machineOf = (lab: string, node: string): string => `halab.${lab}.${node}`;

/** Whether a container or network namespace is a lab's. A lab's name has no dot, so `a` never takes in `a-b`. */
export const isMachineOf = (lab: string, name: string): boolean =>
  name.startsWith(machineOf(lab, ''));

export async function writeRecord(lab: LabRecord): Promise<void> {
  const file = join(lab.folder, recordFile);
  await writeFile(`${file}.new`, `${JSON.stringify(lab, null, 2)}\n`);
  await rename(`${file}.new`, file);
}

/** The record of a lab, or undefined if there is no such lab. */
export async function readRecord(name: string): Promise<LabRecord | undefined> {
  try {
    return JSON.parse(await readFile(join(labFolder(name), recordFile), 'utf8')) as LabRecord;
  } catch (error) {
    if (isAbsent(error)) {
      return undefined;
    }
    throw error;
  }
}

/** The names of all labs of this machine. */
export async function labNames(): Promise<string[]> {
  const claimed = await allClaims();
  return [...new Set(claimed.map(({ lab }) => lab))].sort();
}

/**
 * Claims the lowest network number that no other lab has. The claim is a link from the number to the lab's name. A link
 * cannot be made twice, and it never exists without its content.
 * @param isTaken whether something other than a lab uses the number
 */
export async function claimNetwork(
  lab: string,
  isTaken: (network: string) => boolean,
): Promise<number> {
  await mkdir(claims, { recursive: true });
  for (let number = 1; number < 255; number++) {
    if (isTaken(networkOf(number))) {
      continue;
    }
    try {
      await symlink(lab, join(claims, number.toString()));
      return number;
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) {
        throw error;
      }
    }
  }
  throw new Error(
    'All networks from 10.213.1.0/24 to 10.213.254.0/24 are in use: take a lab down.',
  );
}

/** The bridges that a lab may have made, by the network numbers that it has claimed. */
export async function claimedBridges(lab: string): Promise<string[]> {
  const all = await allClaims();
  return all.filter((claim) => claim.lab === lab).map(({ number }) => bridgeOf(number));
}

/** Removes the record of a lab, whose parts must be gone already. */
export async function forgetLab(name: string): Promise<void> {
  for (const entry of await readdir(labFolder(name)).catch(noneIfAbsent)) {
    await rm(join(labFolder(name), entry), { recursive: true });
  }
  for (const { lab, number } of await allClaims()) {
    if (lab === name) {
      await rm(join(claims, number.toString()), { force: true });
    }
  }
}

/** Removes the lab's folder, and the folder of all labs after the last one. */
export async function removeLabFolder(name: string): Promise<void> {
  for (const folder of [labFolder(name), claims, base]) {
    await rmdir(folder).catch(() => undefined);
  }
}

async function allClaims(): Promise<{ lab: string; number: number }[]> {
  const numbers = await readdir(claims).catch(noneIfAbsent);
  const found = await Promise.all(
    numbers.map(async (number) => {
      const lab = await readlink(join(claims, number)).catch(noneIfAbsent);
      return typeof lab === 'string' ? [{ lab, number: Number(number) }] : [];
    }),
  );
  return found.flat();
}

function noneIfAbsent(error: unknown): [] {
  if (isAbsent(error)) {
    return [];
  }
  throw error;
}

const isAbsent = (error: unknown): boolean => hasCode(error, 'ENOENT');

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
