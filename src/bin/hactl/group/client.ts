import * as z from 'zod';

import { Fault, systemErrorCode } from '../../../kit/fault.ts';
import { callService, type ServiceRequest } from '../../../kit/ask-service.ts';
import { faults } from '../../wiring/faults.ts';

const base = '/admin-api/gateway';

/** What a list has if nobody asks for less. */
const pageSize = 1000;

/** A change waits until nodes run it, which takes two orders if one of them refuses. */
const deadlineMs = 90_000;

const node = z.looseObject({
  node: z.number(),
  status: z.number(),
  interface: z.string(),
  priority: z.number(),
  interval: z.number(),
  keepalived_managed: z.boolean(),
  detail: z.string(),
});

const group = z.looseObject({
  id: z.number(),
  name: z.string(),
  status: z.number(),
  virtual_ip: z.string(),
  virtual_ipv6: z.string(),
  router_id: z.number(),
  online_status: z.boolean(),
  is_healthy: z.boolean(),
  real_nodes: z.array(node),
});
const gateway = z.looseObject({ id: z.number(), name: z.string(), nodes: z.array(z.number()) });
const host = z.looseObject({
  id: z.number(),
  name: z.string(),
  is_reachable: z.boolean(),
  detail: z.string(),
});

export type ShownGateway = z.output<typeof gateway>;
export type ShownNode = z.output<typeof host>;
export type ShownGroup = z.output<typeof group> & { gateway: ShownGateway };

const created = z.looseObject({ data: z.looseObject({ id: z.number() }) });
const tried = z.looseObject({
  data: z.looseObject({
    nodes: z.array(z.looseObject({ name: z.string(), diff: z.string() })),
  }),
});
const failed = z.looseObject({ status: z.number(), code: z.string(), msg: z.string() });

/** What a change has answered. */
export interface Sent {
  json: unknown;
  /** What the caller should know. */
  warnings: string | undefined;
}

/** The API of groups, by the Unix socket of the controller. */
export interface GroupClient {
  gateways(): Promise<ShownGateway[]>;
  groups(gateway: ShownGateway): Promise<ShownGroup[]>;
  nodes(gateway: ShownGateway): Promise<ShownNode[]>;
  /** @returns the id of what was made */
  create(path: string, body: object): Promise<number>;
  send(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<Sent>;
  /** @returns the diff of the file of each node */
  attempt(
    method: 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: object,
  ): Promise<{ name: string; diff: string }[]>;
}

/**
 * Faults of each function: `controller_not_running`, `controller_unresponsive`, those of the API
 */
export function makeGroupClient(socket: string): GroupClient {
  async function ask(method: ServiceRequest['method'], path: string, body?: object): Promise<Sent> {
    try {
      const request = { method, path: `${base}${path}`, ...(body && { body }) };
      const { status, text, headers } = await callService(socket, request, deadlineMs);
      const json: unknown = JSON.parse(text);
      if (status !== 200) throw faultIn(json);
      const warnings = headers['x-ha-warnings'];
      return {
        json,
        warnings: warnings === undefined ? undefined : plain([warnings].flat().join(', ')),
      };
    } catch (error) {
      throw faultOf(error);
    }
  }

  async function list<T>(path: string, item: z.ZodType<T>, page = 1): Promise<T[]> {
    const { json } = await ask('GET', page === 1 ? path : `${path}?page=${page}`);
    const meta = z.looseObject({ count: z.number() });
    const answer = z.looseObject({ data: z.looseObject({ data: z.array(item), meta }) });
    const { data, meta: all } = parsed(answer, json).data;
    const isLast = data.length === 0 || all.count <= page * pageSize;
    return isLast ? data : [...data, ...(await list(path, item, page + 1))];
  }

  return {
    gateways: () => list('/', gateway),
    async groups(of) {
      const found = await list(`/${of.id}/virtual_groups`, group);
      return found.map((each) => ({ ...each, gateway: of }));
    },
    nodes: (of) => list(`/${of.id}/nodes`, host),
    async create(path, body) {
      const { json } = await ask('POST', path, body);
      return parsed(created, json).data.id;
    },
    send: ask,
    async attempt(method, path, body) {
      const { json } = await ask(method, `${path}?dry_run=true`, body);
      return parsed(tried, json).data.nodes;
    },
  };
}

function parsed<T>(schema: z.ZodType<T>, json: unknown): T {
  try {
    return schema.parse(json);
  } catch (error) {
    throw faultOf(error);
  }
}

/** The text of a header in the format of RFC 7234. */
function plain(warnings: string): string {
  return [...warnings.matchAll(/"((?:[^"\\]|\\.)*)"/g)]
    .map(([, text = '']) => text.replace(/\\(.)/g, '$1'))
    .join(' ');
}

function faultIn(json: unknown): unknown {
  const { data } = failed.safeParse(json);
  const code = data && Object.keys(faults).find((each) => each === data.code);
  if (data === undefined || code === undefined) return new Error('Its answer cannot be read.');
  return new Fault(code as keyof typeof faults, data.msg);
}

function faultOf(error: unknown): unknown {
  if (error instanceof Fault) return error;
  const code = systemErrorCode(error);
  // A caller without permission gets the system's own error, because that caller cannot tell whether it runs.
  if (code === 'EACCES') return error;
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return new Fault(
      'controller_not_running',
      "ha-controller does not run on this host. Groups are managed where it runs. 'systemctl status ha-controller' says why; 'systemctl enable --now ha-controller' starts it.",
    );
  }
  const isUnreadable = error instanceof z.ZodError || error instanceof SyntaxError;
  const why = isUnreadable ? 'Its answer cannot be read.' : (error as Error).message;
  return new Fault(
    'controller_unresponsive',
    `ha-controller runs on this host and does not answer as it should: ${why.replace(/\.?$/, '.')} 'journalctl -u ha-controller' says more.`,
  );
}
