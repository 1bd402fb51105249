import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';

interface Thing extends Record<string, unknown> {
  id: string;
}

/** A request that the double has got. */
export interface Got {
  method: string;
  path: string;
  body: unknown;
}

/** The documented API of load balancers by a Unix socket, over objects in memory. */
export interface ApiDouble {
  got: Got[];
  /** The changes alone, as `METHOD path`. */
  changes(): string[];
  /** The objects of each collection, by its path below /v1. */
  lists: Map<string, Thing[]>;
  /** What `{id}/status` has besides its defaults. */
  status: Record<string, unknown>;
  /** The provisioning status of a load balancer after a change. */
  next: 'ACTIVE' | 'PENDING_UPDATE' | 'ERROR';
  /** Answers each change with this error. */
  refusal: { status: number; code: string; faultstring: string } | undefined;
  stop(): Promise<void>;
}

const calm = {
  nodes: [],
  troubles: [],
  last_error: null,
  next_try_at: null,
  attempts: 1,
};

export async function apiDouble(socket: string): Promise<ApiDouble> {
  const server = http.createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const { pathname, search, searchParams } = new URL(request.url ?? '', 'http://localhost');
      const { method = '' } = request;
      const path = pathname.replace(/^\/v1/, '');
      double.got.push({ method, path: `${path}${method === 'GET' ? '' : search}`, body });
      const { refusal } = double;
      if (refusal && method !== 'GET') {
        const { status, code, faultstring } = refusal;
        const error = { faultcode: 'Client', faultstring, debuginfo: null };
        response.writeHead(status, { 'X-HA-Code': code }).end(JSON.stringify(error));
        return;
      }
      const answer = method === 'GET' ? read(path, searchParams) : change(method, path, body);
      if (answer === 'missing') {
        const error = { faultcode: 'Client', faultstring: `${path} not found.`, debuginfo: null };
        response
          .writeHead(404, { 'X-HA-Code': 'balancer_object_not_found' })
          .end(JSON.stringify(error));
        return;
      }
      const text = answer === undefined ? '' : JSON.stringify(answer);
      response.writeHead(method === 'GET' ? 200 : 202).end(text);
    });
  });

  const listOf = (path: string): Thing[] => {
    const found = double.lists.get(path) ?? [];
    double.lists.set(path, found);
    return found;
  };
  const findIn = (path: string) => {
    const [, list = '', id = ''] = /^(.*)\/([^/]+)$/.exec(path) ?? [];
    return { list: listOf(list), found: listOf(list).find((each) => each.id === id) };
  };

  function read(path: string, query: URLSearchParams): unknown {
    const [, balancer, rest] = /^\/loadbalancers\/([^/]+)(\/status)?$/.exec(path) ?? [];
    if (balancer !== undefined && rest !== undefined) return { ...calm, ...double.status };
    const single = findIn(path).found;
    if (single) return single;
    const isList = /(?:loadbalancers|listeners|pools|members|nodes|secrets|orphans)$/.test(path);
    if (!isList) return 'missing';
    const all = listOf(path);
    const after = all.findIndex(({ id }) => id === query.get('marker')) + 1;
    return all.slice(after, after + Number(query.get('limit') ?? all.length));
  }

  function change(method: string, path: string, body: unknown): unknown {
    settle(path);
    if (method === 'POST' && path === '/loadbalancers') return addBalancer(body as Thing);
    if (method === 'POST' && path.endsWith('/members')) {
      return addTo(listOf(path), { ...usual, weight: 1, ...(body as object) });
    }
    if (method === 'POST' || method === 'PUT') {
      const { list, found } = findIn(path);
      if (found) return Object.assign(found, body);
      return path.startsWith('/secrets/') ? addTo(list, { ...secretOf(path) }) : {};
    }
    const { list, found } = findIn(path.replace(/\/delete_cascade$/, ''));
    if (found === undefined) return path.startsWith('/orphans/') ? undefined : 'missing';
    list.splice(list.indexOf(found), 1);
    return undefined;
  }

  /** The load balancer above a path is in the next status. */
  function settle(path: string): void {
    const [, id] = /^\/loadbalancers\/([^/]+)/.exec(path) ?? [];
    const found = listOf('/loadbalancers').find((each) => each.id === id);
    if (found) found['provisioning_status'] = double.next;
  }

  function addBalancer({ listeners = [], vip, ...fields }: Record<string, unknown>): Thing {
    const made = addTo(listOf('/loadbalancers'), {
      description: null,
      enabled: true,
      provisioning_status: double.next,
      operating_status: 'ONLINE',
      ...fields,
      vip: { ip_address: '10.0.0.100', ...(vip as object) },
    });
    const path = `/loadbalancers/${made.id}`;
    for (const { default_pool: wanted, ...more } of listeners as Record<string, unknown>[]) {
      const { members = [], health_monitor: monitor, ...pool } = (wanted ?? {}) as Thing;
      const below = addTo(listOf(`${path}/pools`), { ...usual, ...pool });
      for (const member of members as object[]) {
        addTo(listOf(`${path}/pools/${below.id}/members`), { ...usual, weight: 1, ...member });
      }
      if (monitor) {
        listOf(`${path}/pools/${below.id}`).push({ id: 'health_monitor', ...monitor });
      }
      const state = { ...usual, provisioning_status: double.next };
      addTo(listOf(`${path}/listeners`), { ...state, ...more, default_pool_id: below.id });
    }
    return made;
  }

  const double: ApiDouble = {
    got: [],
    changes: () =>
      double.got
        .filter(({ method }) => method !== 'GET')
        .map(({ method, path }) => `${method} ${path}`),
    lists: new Map(),
    status: {},
    next: 'ACTIVE',
    refusal: undefined,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  server.listen(socket);
  await once(server, 'listening');
  return double;
}

const usual = { name: null, enabled: true, operating_status: 'ONLINE' };

function addTo(list: Thing[], fields: unknown): Thing {
  const made = { id: randomUUID(), ...(fields as object) };
  list.push(made);
  return made;
}

function secretOf(path: string): object {
  const id = path.split('/').at(-1);
  return { id, subject: 'CN=www', names: ['www.example.org'], expires_at: '2030-01-01T00:00:00' };
}

async function bodyOf(request: http.IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const piece of request) text += String(piece);
  return text === '' ? undefined : JSON.parse(text);
}
