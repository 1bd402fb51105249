import type { LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import { type Balancing, holders } from './bench.ts';
import { untilServes } from './clients.ts';
import { type Balancer, makeSimple, type Simple, type SimpleWish } from './making.ts';

/** A node of a load balancer, as `GET …/status` shows it. */
export interface NodeState {
  id: number;
  name: string;
  is_master: boolean;
  is_reachable: boolean;
  /** The SHA-256 of the file that it is to run, and of the one that it runs. */
  wanted: string | null;
  running: string | null;
  error: string | null;
}

export interface Status {
  nodes: readonly NodeState[];
  troubles: readonly string[];
  last_error: string | null;
}

export const statusOf = (made: Pick<Balancer, 'read'>): Promise<Status> =>
  made.read<Status>('/status');

/** The nodes of a load balancer. */
export async function nodesOf({ lab }: Balancing, made: Pick<Balancer, 'read'>) {
  const { nodes } = await statusOf(made);
  return nodes.map(({ name }) => lab.nodes.find((node) => node.name === name) as LabNode);
}

export interface Roles {
  master: LabNode;
  standby: LabNode;
}

/** Waits until one of the two nodes of a load balancer has the VIP, and both run what they are to. */
export async function settled(at: Balancing, made: Balancer): Promise<Roles> {
  const found: Partial<Roles> = {};
  await waitUntil('one node to have the VIP, and both to run the right file', async () => {
    const [master, more] = await holders(at, made.address);
    const { nodes } = await statusOf(made);
    const standby = nodes.find(({ name }) => name !== master?.name);
    Object.assign(found, { master, standby: at.lab.nodes.find((n) => n.name === standby?.name) });
    return (
      master !== undefined &&
      more === undefined &&
      nodes.length === 2 &&
      nodes.every((node) => node.is_reachable && node.wanted === node.running) &&
      nodes.some((node) => node.is_master && node.name === master.name)
    );
  });
  const { master, standby } = found;
  if (master === undefined || standby === undefined) throw new Error('There is no pair.');
  return { master, standby };
}

/** More than the pairs of three nodes. */
const maxTries = 6;

/** A load balancer whose two nodes are not that of the controller, so that both can be lost. */
export async function makeAwayFromController(
  at: Balancing,
  wish: SimpleWish = {},
): Promise<Simple> {
  const others: Simple[] = [];
  try {
    for (let count = 0; count < maxTries; count += 1) {
      const made = await makeSimple(at, wish);
      const nodes = await nodesOf(at, made);
      if (nodes.every(({ name }) => name !== at.controller.name)) {
        await untilServes(at.lab, made);
        return made;
      }
      others.push(made);
    }
    throw new Error('Each load balancer is on the node of the controller.');
  } finally {
    for (const other of others) await other.remove();
  }
}
