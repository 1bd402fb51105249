import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';

import type { GatewayLab } from '../lab/gateway/lab.ts';
import type { LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';

/** What the API says of a node of a group. */
export interface RealNode {
  node: number;
  /** 0 unknown, 1 MASTER, 2 BACKUP, 3 fault. */
  status: number;
  interface: string;
  priority: number;
  detail: string;
}

export interface Group {
  name: string;
  status: number;
  virtual_ip: string | null;
  id: number;
  online_status: boolean;
  router_id: number;
  is_healthy: boolean;
  real_nodes: RealNode[];
}

export interface Answer {
  status: number;
  body: { status: number; data?: unknown; code?: string; msg?: string };
}

/** A controller on the first node, and all nodes as its nodes. */
export interface Gateway {
  readonly lab: GatewayLab;
  readonly controller: LabNode;
  /** The ids of the nodes, in the order of the lab. */
  readonly ids: readonly number[];
  /** Below /admin-api/gateway. */
  call(method: string, path: string, body?: unknown): Promise<Answer>;
  groups(): Promise<Group[]>;
  group(id: number): Promise<Group | undefined>;
}

const port = 9876;

/** Asks the controller over the network, with a token. */
async function ask(
  { address }: LabNode,
  token: string,
  { method, path, body }: { method: string; path: string; body?: unknown },
): Promise<Answer> {
  const request = https.request({
    ...{ host: address, port, method, path, rejectUnauthorized: false, agent: false },
    headers: { 'API-Token': token, 'Content-Type': 'application/json' },
  });
  request.setTimeout(60_000, () => request.destroy(new Error(`${method} ${path}: no answer`)));
  request.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const answered = await text(response);
  return {
    status: response.statusCode ?? 0,
    body: JSON.parse(answered) as Answer['body'],
  };
}

/**
 * Sets a controller up on the first node and lets each node join it, by the commands of docs/gateway.md. Then makes
 * gateway 1 of them.
 */
export async function setUpGateway(lab: GatewayLab): Promise<Gateway> {
  const [controller] = lab.nodes;
  if (controller === undefined) throw new Error('A gateway needs a node.');
  await controller.run(['hactl', 'controller', 'init']);
  await controller.run(['systemctl', 'enable', '--now', 'ha-controller']);
  const token = (
    await controller.run(['hactl', 'token', 'create', 'test', '--role', 'admin'])
  ).trim();
  for (const node of lab.nodes) {
    const joining = (await controller.run(['hactl', 'node', 'token'])).trim();
    await node.run(['hactl', 'node', 'join', `https://${controller.address}:${port}`, joining]);
    await node.run(['systemctl', 'enable', 'ha-amphora']);
    await node.run(['systemctl', 'restart', 'ha-amphora']);
  }
  const call: Gateway['call'] = (method, path, body) =>
    ask(controller, token, { method, path: `/admin-api/gateway${path}`, body });
  await call('POST', '', { name: 'gateway' });
  const ids = await nodeIds(lab, controller);
  for (const node of ids) await call('POST', '/1/nodes', { node });
  const groups = async (): Promise<Group[]> => {
    const { body } = await call('GET', '/1/virtual_groups');
    return (body.data as { data: Group[] }).data;
  };
  return {
    ...{ lab, controller, ids, call, groups },
    group: async (id) => (await groups()).find((each) => each.id === id),
  };
}

/** Makes a group that is served in gateway 1. @returns its id. Throws with the answer if it is refused */
export async function postGroup({ call }: Pick<Gateway, 'call'>, body: object): Promise<number> {
  const answer = await call('POST', '/1/virtual_groups', { status: 1, ...body });
  if (answer.status !== 200) throw new Error(`A group was refused: ${JSON.stringify(answer.body)}`);
  return (answer.body.data as { id: number }).id;
}

interface ListedNode {
  id: number;
  name: string;
  is_reachable: boolean;
}

async function nodeIds(lab: GatewayLab, controller: LabNode): Promise<number[]> {
  const list = async (): Promise<ListedNode[]> =>
    JSON.parse(await controller.run(['hactl', 'node', 'list', '-o', 'json'])) as ListedNode[];
  await waitUntil('all nodes to answer', async () => {
    const nodes = await list();
    return nodes.length === lab.nodes.length && nodes.every((node) => node.is_reachable);
  });
  const nodes = await list();
  return lab.nodes.map(({ name }) => nodes.find((node) => node.name === name)?.id ?? 0);
}

/** The names of the nodes whose kernel has an address on the common interface. */
export async function holders(lab: GatewayLab, address: string): Promise<string[]> {
  const found = await Promise.all(
    lab.nodes.map(async (node) => {
      if (!(await node.isOn())) return [];
      const { stdout } = await node.exec(['ip', '-j', 'address', 'show', 'dev', lab.interface]);
      const [device] = JSON.parse(stdout || '[{}]') as { addr_info?: { local: string }[] }[];
      return (device?.addr_info ?? []).some(({ local }) => local === address) ? [node.name] : [];
    }),
  );
  return found.flat();
}
