import { setTimeout as delay } from 'node:timers/promises';

import { askToJoin } from '../../../src/controller/nodes/join-client.ts';
import { readJoinToken } from '../../../src/controller/certificates/join-tokens.ts';
import type { WantedKeepalived } from '../../../src/keepalived/wanted.ts';
import { withoutPrefix } from '../../../src/kit/ip.ts';
import { joinPath } from '../../../src/routes/controller/join.ts';
import { waitUntil } from '../../lab/wait.ts';
import type { Random } from '../random.ts';
import { type FakeNode, startFakeNode } from './fake-node.ts';
import { makeNodeRequest } from './node-request.ts';
import {
  askApi,
  type ControllerPlace,
  type ControllerProcess,
  makeControllerPlace,
  startControllerProcess,
} from './process.ts';
import { type GroupClient, makeGroupClient, readGroups, type ShownGroup } from './storm-groups.ts';
import { type HostClient, makeHostClient } from './storm-hosts.ts';
import { selfSigned } from './self-signed.ts';

export interface StormCounts {
  kills: number;
  /** Kills before the controller listened. */
  early: number;
  /** Requests of callers and hosts that were answered. */
  answered: number;
  /** Orders that nodes got. */
  orders: number;
}

export interface StormNode {
  id: number;
  node: FakeNode;
}

const nodeCount = 3;
const clientCount = 10;

/**
 * Kills a controller at random points of a mixed load. After each kill, what was answered has to be there and to reach
 * the nodes.
 * @param folder of the store
 * @throws {Error} with all complaints of the first round that has some
 */
export async function controllerStorm(
  folder: string,
  { random, kills }: { random: Random; kills: number },
): Promise<StormCounts> {
  const place = await makeControllerPlace(folder);
  let controller = startControllerProcess(place);
  const nodes: StormNode[] = [];
  try {
    await controller.listening;
    const { request } = makeNodeRequest(folder);
    for (let at = 1; at <= nodeCount; at += 1)
      nodes.push(await joinNode({ place, controller, folder }, at));
    await askApi(place, { method: 'POST', path: '', body: { name: 'storm' } });
    for (const { id } of nodes) {
      await askApi(place, { method: 'POST', path: '/1/nodes', body: { node: id } });
    }
    const usedIds = new Set<number>();
    const clients = Array.from({ length: clientCount }, (_each, number) =>
      makeGroupClient(place, random, { number, nodes: nodes.map(({ id }) => id), usedIds }),
    );
    const hosts = makeHostClient(place, random, request);
    const counts = { kills: 0, early: 0 };
    const history = makeHistory();
    while (counts.kills < kills) {
      if (random() < 0.1) {
        await controller.kill();
        controller = startControllerProcess(place);
        await delay(random() * 2000);
        counts.early += 1;
      } else await loadUntilKill({ clients, hosts, controller, afterMs: random() * 4000 });
      await controller.kill();
      counts.kills += 1;
      controller = startControllerProcess(place);
      await controller.listening;
      const complaints = await verify({ place, controller, clients, hosts, nodes });
      complaints.push(...history(nodes));
      if (complaints.length > 0)
        throw new Error(`after kill ${counts.kills}:\n${complaints.join('\n')}`);
    }
    return {
      ...counts,
      answered: [...clients, hosts].reduce((sum, each) => sum + each.answered(), 0),
      orders: nodes.reduce((sum, { node }) => sum + node.ordered.length, 0),
    };
  } finally {
    await controller.kill();
    for (const { node } of nodes) await node.stop();
  }
}

async function loadUntilKill({
  clients,
  hosts,
  controller,
  afterMs,
}: {
  clients: readonly GroupClient[];
  hosts: HostClient;
  controller: ControllerProcess;
  afterMs: number;
}): Promise<void> {
  const running = [...clients.map((each) => each.run()), hosts.run(controller)];
  await delay(afterMs);
  await controller.kill();
  await Promise.all(running);
}

/** Starts a node, which joins by the real route. */
export async function joinNode(
  {
    place,
    controller,
    folder,
  }: { place: ControllerPlace; controller: ControllerProcess; folder: string },
  number: number,
): Promise<StormNode> {
  const made = await controller.ask({ method: 'POST', path: '/join-tokens', body: {} });
  const token = readJoinToken((made as { token: string }).token);
  if (token === undefined) throw new Error('That is no token.');
  const machine = String(number).repeat(64);
  const { request, key } = makeNodeRequest(folder);
  const interfaces = [{ name: 'eth0', addresses: [`10.9.0.${number}/16`] }];
  const own = selfSigned(folder);
  const node = await startFakeNode({
    ...{ folder, machine, addresses: interfaces[0]?.addresses ?? [] },
    ...{ ...own, authority: own.certificate },
  });
  const url = new URL(`https://127.0.0.1:${place.port}`);
  const { id, certificate, authority } = await askToJoin(url, joinPath, token, {
    ...{ secret: token.secret, name: `n${number}`, machine, host: '127.0.0.1' },
    ...{ port: node.port, interfaces, request },
  });
  node.certify(certificate, key, authority);
  return { id, node };
}

async function verify({
  place,
  controller,
  clients,
  hosts,
  nodes,
}: {
  place: ControllerPlace;
  controller: ControllerProcess;
  clients: readonly GroupClient[];
  hosts: HostClient;
  nodes: readonly StormNode[];
}): Promise<string[]> {
  const shown = () => readGroups(place);
  const complaints = await hosts.verify(controller);
  for (const client of clients) complaints.push(...(await client.verify(shown)));
  const groups = await shown();
  complaints.push(
    ...twice('name', groups, ({ name }) => name),
    ...twice('address', groups, ({ virtual_ip: ip }) => withoutPrefix(ip)),
    ...twice('router id', groups, ({ router_id: id }) => String(id)),
  );
  for (const { id, node } of nodes) {
    const wanted = expectedOf(id, groups);
    const isThere = () => Promise.resolve(runningOn(node) === wanted);
    await waitUntil('a node to run what was answered', isThere, {
      deadlineMs: 30_000,
      everyMs: 50,
    }).catch(() => {
      complaints.push(`node ${id} runs ${runningOn(node)} instead of ${wanted}`);
    });
  }
  return complaints;
}

function twice(
  what: string,
  groups: readonly ShownGroup[],
  keyOf: (group: ShownGroup) => string,
): string[] {
  const keys = groups.map(keyOf);
  return keys
    .filter((key, index) => keys.indexOf(key) !== index)
    .map((key) => `the ${what} ${key} is there twice`);
}

const lineOf = (id: number, routerId: number, priority: number, address: string) =>
  `vg_${id} ${routerId} ${priority} ${withoutPrefix(address)}`;

function expectedOf(node: number, groups: readonly ShownGroup[]): string {
  return groups
    .filter(({ status }) => status < 2)
    .flatMap((group) => {
      const own = group.real_nodes.find((each) => each.node === node);
      return own ? [lineOf(group.id, group.router_id, own.priority, group.virtual_ip)] : [];
    })
    .sort()
    .join('; ');
}

function runningOn(node: FakeNode): string {
  const { instances } = (node.ordered.at(-1)?.wanted ?? { instances: [] }) as WantedKeepalived;
  return instances
    .map((each) =>
      lineOf(
        Number(each.name.replace('vg_', '')),
        each.routerId,
        each.priority,
        each.addresses[0] ?? '',
      ),
    )
    .sort()
    .join('; ');
}

/** Each order is later than the former one, or the same again, and has nothing twice. */
function makeHistory(): (nodes: readonly StormNode[]) => string[] {
  const seen = new Map<number, number>();
  return (nodes) =>
    nodes.flatMap(({ id, node }) => {
      const complaints: string[] = [];
      for (let at = seen.get(id) ?? 0; at < node.ordered.length; at += 1) {
        const [former, order] = [node.ordered[at - 1]?.orders, node.ordered[at]];
        if (order === undefined) continue;
        const { revision, digest } = order.orders;
        const isLater = former === undefined || revision > former.revision;
        const isSame = former?.revision === revision && former.digest === digest;
        if (!isLater && !isSame)
          complaints.push(`node ${id} got revision ${revision} after ${former.revision}`);
        const { instances } = order.wanted as WantedKeepalived;
        const keys = instances.flatMap((each) => [`id ${each.routerId}`, ...each.addresses]);
        if (new Set(keys).size !== keys.length)
          complaints.push(`node ${id} got something twice: ${keys.join(' ')}`);
      }
      seen.set(id, node.ordered.length);
      return complaints;
    });
}
