import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { WantedKeepalived } from '../../../../src/keepalived/wanted.ts';
import { withoutPrefix } from '../../../../src/kit/ip.ts';
import { waitUntil } from '../../../lab/wait.ts';
import {
  askPlace,
  type ControllerPlace,
  type ControllerProcess,
  makeControllerPlace,
  startControllerProcess,
} from '../../controller/process.ts';
import { joinNode, type StormNode } from '../../controller/storm.ts';
import type { Random } from '../../random.ts';
import { type SimulatedAgent, simulateAgent } from '../agents.ts';
import { type BalancerClient, makeBalancerClient } from './client.ts';

export interface BalancerStormCounts {
  kills: number;
  /** Kills before the controller listened. */
  early: number;
  /** Kills that a node's agent and its haproxy shared. */
  withNode: number;
  answered: number;
  /** Requests that agents got. */
  asked: number;
}

interface Carrier extends StormNode {
  agent: SimulatedAgent;
}

const nodeCount = 3;
const clientCount = 8;
/** A quarter: 50 of 200. */
const shareWithNode = 0.25;

export const stormNetwork = {
  id: '0d0d0d0d-0000-4000-8000-000000000001',
  subnet: '0d0d0d0d-0000-4000-8000-000000000004',
};

/** The section of the configuration for load balancers, in the network of the nodes. @param port for heartbeats */
export const stormConfig = (folder: string, port: number): object => ({
  balancer: {
    networks: [
      {
        ...{ id: stormNetwork.id, name: 'storm' },
        subnets: [
          {
            ...{ id: stormNetwork.subnet, cidr: '10.9.0.0/16' },
            pools: [{ from: '10.9.100.1', to: '10.9.110.250' }],
          },
        ],
      },
    ],
    secrets_key: join(folder, 'controller.key'),
    ...{ heartbeat_address: '127.0.0.1', heartbeat_port: port },
  },
});

/**
 * Kills a controller at random points of a mixed load, and at some of them a node. After each kill, what was answered has
 * to be there and on the nodes, or in ERROR with a reason, and nothing twice.
 * @param folder of the store
 * @param heartbeatPort a free one
 * @throws {Error} with all complaints of the first round that has some
 */
export async function balancerStorm(
  folder: string,
  { random, kills, heartbeatPort }: { random: Random; kills: number; heartbeatPort: number },
): Promise<BalancerStormCounts> {
  const config = stormConfig(folder, heartbeatPort);
  const place = await makeControllerPlace(folder, join(folder, 'state'), config);
  let controller = startControllerProcess(place);
  const nodes: Carrier[] = [];
  try {
    await controller.listening;
    for (let at = 1; at <= nodeCount; at += 1) {
      const joined = await joinNode({ place, controller, folder }, at);
      nodes.push({ ...joined, agent: simulateAgent(joined.node) });
    }
    const clients = Array.from({ length: clientCount }, (_each, number) =>
      makeBalancerClient(place, random, { number, subnet: stormNetwork.subnet }),
    );
    const counts = { kills: 0, early: 0, withNode: 0 };
    while (counts.kills < kills) {
      const lost = random() < shareWithNode ? nodes[Math.floor(random() * nodeCount)] : undefined;
      if (random() < 0.1) {
        await controller.kill();
        controller = startControllerProcess(place);
        await delay(random() * 2000);
        counts.early += 1;
      } else await loadUntilKill({ clients, controller, lost, afterMs: random() * 3000 });
      await controller.kill();
      counts.kills += 1;
      if (lost) counts.withNode += 1;
      controller = startControllerProcess(place);
      await controller.listening;
      const complaints = await verify(place, clients, nodes);
      if (complaints.length > 0)
        throw new Error(`after kill ${counts.kills}:\n${complaints.join('\n')}`);
    }
    return {
      ...counts,
      answered: clients.reduce((sum, each) => sum + each.answered(), 0),
      asked: nodes.reduce((sum, { agent }) => sum + agent.asked.length, 0),
    };
  } finally {
    await controller.kill();
    for (const { node } of nodes) await node.stop();
  }
}

async function loadUntilKill({
  clients,
  controller,
  lost,
  afterMs,
}: {
  clients: readonly BalancerClient[];
  controller: ControllerProcess;
  /** The node that dies a moment before the controller, and is back when that is started. */
  lost: Carrier | undefined;
  afterMs: number;
}): Promise<void> {
  const running = clients.map((each) => each.run());
  await delay(afterMs);
  await lost?.node.stop();
  if (lost) await delay(afterMs / 10);
  await controller.kill();
  await Promise.all(running);
  lost?.agent.reboot();
  await lost?.node.start();
}

interface ShownBalancer {
  id: string;
  vip: { ip_address: string };
}

async function read<T>(place: ControllerPlace, path: string): Promise<T> {
  const answer = await askPlace(place, { method: 'GET', path: `/v1${path}` });
  if (answer?.status !== 200) throw new Error(`GET ${path}: ${JSON.stringify(answer?.body)}`);
  return answer.body as T;
}

async function verify(
  place: ControllerPlace,
  clients: readonly BalancerClient[],
  nodes: readonly Carrier[],
): Promise<string[]> {
  const complaints: string[] = [];
  for (const client of clients) complaints.push(...(await client.verify()));
  const balancers = await read<ShownBalancer[]>(place, '/loadbalancers?limit=1000');
  complaints.push(
    ...twice('id', balancers, ({ id }) => id),
    ...twice('address', balancers, ({ vip }) => vip.ip_address),
  );
  const ports = await read<{ owner: string | null; ip_address: string }[]>(place, '/ports');
  const ids = new Set(balancers.map(({ id }) => id));
  for (const { owner, ip_address: ip } of ports) {
    if (owner === null || !ids.has(owner)) complaints.push(`the address ${ip} is leaked`);
  }
  const differences = async () => [
    ...(await onAgents(place, balancers, nodes)),
    ...(await inKeepalived(place, balancers, nodes)),
  ];
  const agree = async () => (await differences()).length === 0;
  await waitUntil('store and nodes to agree', agree, { deadlineMs: 30_000, everyMs: 100 }).catch(
    async () => complaints.push(...(await differences())),
  );
  return complaints;
}

function twice(
  what: string,
  all: readonly ShownBalancer[],
  keyOf: (each: ShownBalancer) => string,
): string[] {
  const keys = all.map(keyOf);
  const again = keys.filter((key, index) => keys.indexOf(key) !== index);
  return again.map((key) => `the ${what} ${key} is there twice`);
}

interface ShownNode {
  id: number;
  wanted: string | null;
  running: string | null;
}

const nodesOf = async (place: ControllerPlace, id: string): Promise<ShownNode[]> =>
  (await read<{ nodes: ShownNode[] }>(place, `/loadbalancers/${id}/status`)).nodes;

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What agents run, compared with what the store wants: neither more nor less, and no former file. */
async function onAgents(
  place: ControllerPlace,
  balancers: readonly ShownBalancer[],
  nodes: readonly Carrier[],
): Promise<string[]> {
  const wanted = new Map<string, string | null>();
  for (const { id } of balancers) {
    for (const node of await nodesOf(place, id)) wanted.set(`${id} on ${node.id}`, node.wanted);
  }
  const found = new Map<string, string | null>();
  for (const { id, agent } of nodes) {
    for (const [balancer, { text, running }] of agent.balancers) {
      if (text === undefined) continue;
      const isCurrent = running?.text === text;
      found.set(`${balancer} on ${id}`, isCurrent ? digest(text) : 'it does not run its file');
    }
  }
  const all = new Set([...wanted.keys(), ...found.keys()]);
  return [...all].flatMap((key) => {
    const [right, is] = [wanted.get(key) ?? 'nothing', found.get(key) ?? 'nothing'];
    return right === is ? [] : [`${key}: ${is} instead of ${right}`];
  });
}

/** The addresses that nodes were ordered to have, compared with those of the load balancers that are placed on them. */
async function inKeepalived(
  place: ControllerPlace,
  balancers: readonly ShownBalancer[],
  nodes: readonly Carrier[],
): Promise<string[]> {
  const wanted = new Map<number, string[]>(nodes.map(({ id }) => [id, []]));
  for (const { id, vip } of balancers) {
    for (const node of await nodesOf(place, id)) wanted.get(node.id)?.push(vip.ip_address);
  }
  return nodes.flatMap(({ id, node }) => {
    const { instances } = (node.ordered.at(-1)?.wanted ?? { instances: [] }) as WantedKeepalived;
    const found = instances.flatMap(({ addresses }) => addresses.map(withoutPrefix));
    const [is, right] = [found.sort().join(), (wanted.get(id) ?? []).sort().join()];
    return is === right ? [] : [`keepalived of node ${id} has ${is} instead of ${right}`];
  });
}
