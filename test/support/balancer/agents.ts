import { createHash } from 'node:crypto';

import type { AgentAnswer, AgentRequest, FakeNode } from '../controller/fake-node.ts';

/** What a simulated haproxy runs, and the certificates as they were when it was loaded. */
export interface SimulatedProcess {
  /** The file that it was loaded from, by which an agent tells whether it is current. */
  file: string;
  /** The same with what was set since. */
  text: string;
  certificates: ReadonlyMap<string, string>;
}

export interface SimulatedBalancer {
  /** The file that was uploaded last. */
  text: string | undefined;
  certificates: Map<string, string>;
  running: SimulatedProcess | undefined;
  fencing: { epoch: number; revision: number } | undefined;
}

/** What happens to a request instead of the usual: `lose answer` carries it out and then hangs up. */
export type Accident = 'hang' | 'hang up' | 'lose answer' | AgentAnswer;

/** The amphora part of a node, with files in memory and no haproxy. */
export interface SimulatedAgent {
  /** Octavia's own agent knows the documented routes only. */
  kind: 'ours' | 'octavia';
  uuid: string;
  balancers: Map<string, SimulatedBalancer>;
  /** What it was asked, as `PUT /1.0/…`. */
  asked: string[];
  /** The headers X-HA-Fencing of changes. */
  fencings: (string | undefined)[];
  /** The configuration of the agent as it was uploaded last. */
  config: string | undefined;
  /** Called before each request, with its number from 1 on. */
  accident: (request: AgentRequest, number: number) => Accident | undefined;
  /** How many requests were under way at most. */
  maxAtOnce: number;
  /** Whether its agent can change members while haproxy runs. */
  canChangeServers: boolean;
  /** A member that its haproxy refuses to change. */
  unset: string | undefined;
  /** Loses what a reboot loses: certificates, which are in memory, and so haproxy does not start. */
  reboot(): void;
}

/** Gives a node an amphora part. */
export function simulateAgent(
  node: FakeNode,
  kind: SimulatedAgent['kind'] = 'ours',
): SimulatedAgent {
  let atOnce = 0;
  const agent: SimulatedAgent = {
    kind,
    uuid: '6e2bc8a0-2548-4fb7-a5f0-fb1ef4a696ce',
    balancers: new Map(),
    asked: [],
    fencings: [],
    config: undefined,
    accident: () => undefined,
    maxAtOnce: 0,
    canChangeServers: true,
    unset: undefined,
    reboot() {
      for (const each of agent.balancers.values()) {
        const lost = each.certificates.size > 0;
        each.certificates.clear();
        const { text } = each;
        each.running =
          lost || text === undefined ? undefined : { file: text, text, certificates: new Map() };
      }
    },
  };
  node.agent = async (request) => {
    atOnce += 1;
    agent.maxAtOnce = Math.max(agent.maxAtOnce, atOnce);
    try {
      // A turn of the loop, so that requests that come together are under way together.
      await new Promise((resolve) => setImmediate(resolve));
      agent.asked.push(`${request.method} ${request.path}`);
      const accident = agent.accident(request, agent.asked.length);
      if (accident === 'lose answer') answerTo(agent, request);
      if (accident === 'lose answer') return 'hang up';
      return accident ?? answerTo(agent, request);
    } finally {
      atOnce -= 1;
    }
  };
  return agent;
}

function answerTo(agent: SimulatedAgent, request: AgentRequest): AgentAnswer {
  const { method, path } = request;
  const header = request.headers['x-ha-fencing'];
  if (method !== 'GET') agent.fencings.push(typeof header === 'string' ? header : undefined);
  for (const route of agent.kind === 'ours' ? [...ownRoutes, ...routes] : routes) {
    if (route.method !== method) continue;
    const match = route.pattern.exec(path);
    if (match === null) continue;
    const [, first = '', second = ''] = match;
    const isStale = method !== 'GET' && agent.kind === 'ours' && isOlder(agent, first, header);
    if (isStale) return refusal(409, 'Later orders were taken');
    return route.answer(agent, { ...request, first, second });
  }
  return json(404, { error: 'Not Found', http_code: 404 });
}

function isOlder(
  agent: SimulatedAgent,
  id: string,
  header: string | string[] | undefined,
): boolean {
  if (typeof header !== 'string') return false;
  const [, epoch, revision] = header.split(' ');
  const next = { epoch: Number(epoch), revision: Number(revision) };
  const last = agent.balancers.get(id)?.fencing;
  if (
    last &&
    (next.epoch < last.epoch || (next.epoch === last.epoch && next.revision < last.revision))
  )
    return true;
  balancerOf(agent, id).fencing = next;
  return false;
}

interface RoutedRequest extends AgentRequest {
  first: string;
  second: string;
}

interface Route {
  method: string;
  pattern: RegExp;
  answer: (agent: SimulatedAgent, asked: RoutedRequest) => AgentAnswer;
}

/** The documented routes that the controller uses. The id of the load balancer is the first group. */
const routes: readonly Route[] = [
  {
    method: 'PUT',
    pattern: /^\/1\.0\/loadbalancer\/[^/]+\/([^/]+)\/haproxy$/,
    answer(agent, { first, text }) {
      if (text.includes('wrong')) {
        return json(400, { message: 'Invalid request', details: 'Line 1: wrong' });
      }
      balancerOf(agent, first).text = text;
      return json(agent.kind === 'ours' ? 201 : 202, { message: 'OK' }, { ETag: md5(text) });
    },
  },
  {
    method: 'PUT',
    pattern: /^\/1\.0\/loadbalancer\/([^/]+)\/certificates\/([^/]+)$/,
    answer(agent, { first, second, text }) {
      balancerOf(agent, first).certificates.set(second, text);
      return json(agent.kind === 'ours' ? 201 : 200, { message: 'OK' }, { ETag: md5(text) });
    },
  },
  {
    method: 'GET',
    pattern: /^\/1\.0\/loadbalancer\/([^/]+)\/certificates\/([^/]+)$/,
    answer(agent, { first, second }) {
      const found = agent.balancers.get(first)?.certificates.get(second);
      return found === undefined
        ? refusal(404, 'Certificate Not Found')
        : json(200, { md5sum: md5(found) });
    },
  },
  {
    method: 'DELETE',
    pattern: /^\/1\.0\/loadbalancer\/([^/]+)\/certificates\/([^/]+)$/,
    answer(agent, { first, second }) {
      const isThere = agent.balancers.get(first)?.certificates.delete(second) === true;
      return isThere || agent.kind === 'octavia'
        ? json(200, { message: 'OK' })
        : refusal(404, 'Certificate Not Found');
    },
  },
  {
    method: 'GET',
    pattern: /^\/1\.0\/loadbalancer\/([^/]+)\/haproxy$/,
    answer(agent, { first }) {
      const text = agent.balancers.get(first)?.text;
      return text === undefined
        ? refusal(404, 'Loadbalancer Not Found')
        : { status: 200, headers: { 'Content-Type': 'text/plain', ETag: md5(text) }, text };
    },
  },
  {
    method: 'PUT',
    pattern: /^\/1\.0\/loadbalancer\/([^/]+)\/(\w+)$/,
    answer(agent, { first, second }) {
      const found = agent.balancers.get(first);
      if (second !== 'reload') {
        return json(400, { message: 'Invalid Request', details: `Unknown action: ${second}` });
      }
      if (found?.text === undefined) return refusal(404, 'Loadbalancer Not Found');
      const { text } = found;
      found.running = { file: text, text, certificates: new Map(found.certificates) };
      return json(202, { message: 'OK', details: `Listener ${first} reloaded` });
    },
  },
  {
    method: 'DELETE',
    pattern: /^\/1\.0\/listeners\/([^/]+)$/,
    answer(agent, { first }) {
      const isThere = agent.balancers.get(first)?.text !== undefined;
      agent.balancers.delete(first);
      return isThere || agent.kind === 'octavia'
        ? json(200, { message: 'OK' })
        : refusal(404, 'Listener Not Found');
    },
  },
  {
    method: 'GET',
    pattern: /^\/1\.0\/info$/,
    answer: () =>
      json(200, { hostname: 'a', haproxy_version: '2.6.12-1+deb12u4', api_version: '1.0' }),
  },
  {
    method: 'PUT',
    pattern: /^\/1\.0\/config$/,
    answer(agent, { text }) {
      agent.config = text;
      return json(202, { message: 'OK' });
    },
  },
];

/** The routes that only our agent has. */
const ownRoutes: readonly Route[] = [
  {
    method: 'GET',
    pattern: /^\/1\.0\/loadbalancers$/,
    answer: (agent) =>
      json(
        200,
        [...agent.balancers.keys()].map((id) => stateOf(agent, id)),
      ),
  },
  {
    method: 'GET',
    pattern: /^\/1\.0\/loadbalancer\/([^/]+)\/state$/,
    answer: (agent, { first }) => json(200, stateOf(agent, first)),
  },
  {
    method: 'GET',
    pattern: /^\/info$/,
    answer: ({ uuid }) => json(200, { uuid, haproxy_version: '2.6.12' }),
  },
  {
    method: 'PUT',
    pattern: /^\/1\.0\/loadbalancer\/([^/]+)\/servers$/,
    answer(agent, { first, text }) {
      const running = agent.balancers.get(first)?.running;
      if (!agent.canChangeServers) return refusal(404, 'Not Found');
      if (running === undefined) return refusal(500, 'haproxy does not run');
      const { servers } = JSON.parse(text) as { servers: Change[] };
      if (servers.length === 0 || servers.length > 256) return refusal(400, 'Invalid request');
      const outcomes = servers.map(({ backend, server }) => {
        return { backend, server, is_set: server !== agent.unset };
      });
      running.text = servers
        .filter(({ server }) => server !== agent.unset)
        .reduce(withServer, running.text);
      return json(200, { servers: outcomes });
    },
  },
];

interface Change {
  backend: string;
  server: string;
  weight?: number;
  is_enabled?: boolean;
}

/** Changes one server of one backend, as the runtime commands of haproxy do. */
function withServer(text: string, { backend, server, weight, is_enabled }: Change): string {
  let current = '';
  return text
    .split('\n')
    .map((line) => {
      current = /^backend (\S+)/.exec(line)?.[1] ?? current;
      if (current !== backend || !line.trim().startsWith(`server ${server} `)) return line;
      const weighed =
        weight === undefined ? line : line.replace(/ weight \d+/, ` weight ${weight}`);
      if (is_enabled === undefined) return weighed;
      return is_enabled ? weighed.replace(/ disabled$/, '') : `${weighed} disabled`;
    })
    .join('\n');
}

function stateOf(agent: SimulatedAgent, id: string): object {
  const found = agent.balancers.get(id);
  const { text, running } = found ?? {};
  const process = running === undefined ? 'stopped' : running.file === text ? 'current' : 'former';
  return {
    uuid: id,
    sha256: text === undefined ? null : createHash('sha256').update(text).digest('hex'),
    process,
    certificates: [...(found?.certificates ?? [])].map(([file, pem]) => ({
      file,
      md5sum: md5(pem),
    })),
  };
}

function balancerOf(agent: SimulatedAgent, id: string): SimulatedBalancer {
  const present = agent.balancers.get(id);
  if (present) return present;
  const made: SimulatedBalancer = {
    text: undefined,
    certificates: new Map(),
    running: undefined,
    fencing: undefined,
  };
  agent.balancers.set(id, made);
  return made;
}

function json(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): AgentAnswer {
  const type = { 'Content-Type': 'application/json; charset=utf-8' };
  return { status, headers: { ...headers, ...type }, text: JSON.stringify(body) };
}

function refusal(status: number, message: string): AgentAnswer {
  return json(status, { message });
}

/** Not for security: the API has it. */
function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
