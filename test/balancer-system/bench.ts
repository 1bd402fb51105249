import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';

import type { BalancerLab } from '../lab/balancer/lab.ts';
import type { LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';

export interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  /** Null if it is empty. */
  body: unknown;
}

/** A node of the registry, as `hactl node list` shows it. */
interface ListedNode {
  id: number;
  name: string;
  is_reachable: boolean;
}

/** A controller on the first host, and hosts that carry load balancers for it. */
export interface Balancing {
  readonly lab: BalancerLab;
  readonly controller: LabNode;
  /** A token with the role admin. */
  readonly token: string;
  /** Those that have joined. */
  readonly nodes: readonly LabNode[];
  /** Below /v1, by new connections. */
  call(method: string, path: string, body?: unknown): Promise<Answer>;
  /** A change that is accepted and has been carried out when it returns. Throws otherwise. */
  change(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>;
  /** Throws if the answer is not 200. */
  read<T>(path: string): Promise<T>;
}

export const port = 9876;

/** The network of the lab in the controller's configuration, whose addresses the controller gives out. */
export const network = {
  id: '0a0a0a0a-0000-4000-8000-000000000001',
  subnet: '0a0a0a0a-0000-4000-8000-000000000004',
  subnet6: '0a0a0a0a-0000-4000-8000-000000000006',
} as const;

export const configFile = '/etc/ha-agent/controller.json';

/** Addresses from the 81st on are those that the controller gives out by itself. */
const firstOfPool = 81;
const lastOfPool = 100;

/** The configuration of the controller. @param more keys of its section for load balancers */
export function controllerConfigOf(lab: BalancerLab, more: object = {}): object {
  const pool = (address: (number: number) => string) => [
    { from: address(firstOfPool), to: address(lastOfPool) },
  ];
  const subnets = [
    {
      ...{ id: network.subnet, cidr: lab.cidr, gateway: lab.router },
      pools: pool((number) => lab.address(number)),
    },
    {
      ...{ id: network.subnet6, cidr: lab.cidr6, gateway: lab.router6 },
      pools: pool((number) => lab.address6(number)),
    },
  ];
  const interfaces = Object.fromEntries(lab.nodes.map(({ name }) => [name, lab.interface]));
  const networks = [{ id: network.id, name: 'lab', subnets, interface: interfaces }];
  return { balancer: { networks, ...more } };
}

interface ApiRequest {
  method: string;
  path: string;
  body?: unknown;
  agent?: https.Agent | false;
}

/** Asks a controller over the network. Throws without a whole answer in a minute. */
export async function askController(
  address: string,
  token: string,
  { method, path, body, agent = false }: ApiRequest,
): Promise<Answer> {
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const request = https.request({
    ...{ host: address, port, method, path: `/v1${path}`, rejectUnauthorized: false, agent },
    headers: { 'X-Auth-Token': token, ...(sent && { 'Content-Type': 'application/json' }) },
  });
  request.setTimeout(60_000, () => request.destroy(new Error(`${method} ${path}: no answer`)));
  request.end(sent);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const answered = await text(response);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: answered === '' ? null : JSON.parse(answered),
  };
}

/** The time after which a change is answered at the latest. */
export const waiting = 'wait=30s';

/**
 * Sets a controller up on the first host and lets hosts join it with load balancers.
 * @param options.joining indexes of the hosts; by default all
 * @param options.config more keys for load balancers in the controller's configuration
 */
export async function setUpBalancing(
  lab: BalancerLab,
  { joining, config }: { joining?: readonly number[]; config?: object } = {},
): Promise<Balancing> {
  const [controller] = lab.nodes;
  if (controller === undefined) throw new Error('A controller needs a host.');
  await controller.run(['mkdir', '-p', '/etc/ha-agent']);
  const text = JSON.stringify(controllerConfigOf(lab, config), null, 2);
  await controller.writeFile(configFile, text);
  await controller.run(['hactl', 'controller', 'init']);
  await controller.run(['systemctl', 'enable', '--now', 'ha-controller']);
  const created = await controller.run(['hactl', 'token', 'create', 'test', '--role', 'admin']);
  const token = created.trim();
  const nodes = joining ? lab.nodes.filter((_, index) => joining.includes(index)) : lab.nodes;
  for (const node of nodes) await joinNode(controller, node);
  await untilReachable(controller, nodes);
  const call: Balancing['call'] = (method, path, body) =>
    askController(controller.address, token, { method, path, body });
  return {
    ...{ lab, controller, token, nodes, call },
    async change(method, path, body) {
      const answer = await call(method, `${path}?${waiting}`, body);
      if (answer.status !== 202) throw new Error(`${method} ${path}: ${shown(answer)}`);
      return (answer.body ?? {}) as Record<string, unknown>;
    },
    async read<T>(path: string) {
      const answer = await call('GET', path);
      if (answer.status !== 200) throw new Error(`GET ${path}: ${shown(answer)}`);
      return answer.body as T;
    },
  };
}

export const shown = ({ status, body }: Answer): string => `${status} ${JSON.stringify(body)}`;

/** Lets a host join with load balancers. */
export async function joinNode(controller: LabNode, node: LabNode): Promise<void> {
  const token = (await controller.run(['hactl', 'node', 'token'])).trim();
  const url = `https://${controller.address}:${port}`;
  await node.run(['hactl', 'node', 'join', url, token, '--load-balancers']);
}

async function untilReachable(controller: LabNode, nodes: readonly LabNode[]): Promise<void> {
  await waitUntil('all nodes to answer', async () => {
    const printed = await controller.run(['hactl', 'node', 'list', '-o', 'json']);
    const listed = JSON.parse(printed) as ListedNode[];
    return nodes.every(({ name }) =>
      listed.some((node) => node.name === name && node.is_reachable),
    );
  });
}

/** The nodes whose kernel has an address on the common interface. A host that is off has none. */
export async function holders(
  { lab }: Pick<Balancing, 'lab'>,
  address: string,
): Promise<LabNode[]> {
  const has = await Promise.all(
    lab.nodes.map(async (node) => {
      if (!(await node.isOn())) return false;
      const family = address.includes(':') ? '-6' : '-4';
      const argv = ['ip', family, '-o', 'address', 'show', 'to', address] as const;
      return (await node.exec(argv)).stdout !== '';
    }),
  );
  return lab.nodes.filter((_, index) => has[index]);
}
