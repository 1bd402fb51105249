import * as z from 'zod';

import { callService, type ServiceRequest } from '../../../kit/ask-service.ts';
import { Fault, type FaultCode, systemErrorCode } from '../../../kit/fault.ts';
import { faults } from '../../wiring/faults.ts';

const base = '/v1';

/** What a request may take, besides the time that it is told to wait. */
const deadlineMs = 60_000;

/** The largest page of a list. */
const pageSize = 1000;

/** An error as the documented API has it. Its stable code is in a header. */
const problem = z.looseObject({ faultstring: z.string() });
const codeHeader = 'x-ha-code';

/** The API of load balancers, by the Unix socket of the controller. */
export interface BalancerClient {
  /** @returns the answer, checked */
  get<T>(path: string, schema: z.ZodType<T>): Promise<T>;
  /** @returns undefined if there is no such object */
  getIfThere<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined>;
  /** A list of objects with ids, page by page. */
  list<T extends { id: string }>(path: string, item: z.ZodType<T>): Promise<T[]>;
  /**
   * Makes a change.
   * @param waitSeconds how long the controller waits until the nodes run it; 0 for not at all
   * @returns the body of the answer; undefined if it has none
   */
  send(
    method: 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: object,
    waitSeconds?: number,
  ): Promise<unknown>;
}

interface Answer {
  status: number;
  /** The code of an error. */
  code: unknown;
  json: unknown;
}

/** Faults of each function: `controller_not_running`, `controller_unresponsive`, those of the API */
export function makeBalancerClient(socket: string): BalancerClient {
  async function ask(request: ServiceRequest, waitSeconds = 0): Promise<Answer> {
    const path = `${base}${request.path}`;
    const maxMs = deadlineMs + waitSeconds * 1000;
    try {
      const { status, text, headers } = await callService(socket, { ...request, path }, maxMs);
      const json: unknown = text === '' ? undefined : JSON.parse(text);
      return { status, code: headers[codeHeader], json };
    } catch (error) {
      throw faultOf(error);
    }
  }

  async function get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    return parsed(schema, succeeded(await ask({ method: 'GET', path })));
  }

  async function list<T extends { id: string }>(
    path: string,
    item: z.ZodType<T>,
    marker?: string,
  ): Promise<T[]> {
    const after = marker === undefined ? '' : `&marker=${marker}`;
    const page = await get(`${path}?limit=${pageSize}${after}`, z.array(item));
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return page;
    return [...page, ...(await list(path, item, last.id))];
  }

  return {
    get,
    async getIfThere(path, schema) {
      const answer = await ask({ method: 'GET', path });
      return answer.status === 404 ? undefined : parsed(schema, succeeded(answer));
    },
    list: (path, item) => list(path, item),
    async send(method, path, body, waitSeconds = 0) {
      const query = waitSeconds === 0 ? '' : `?wait=${waitSeconds}s`;
      const request = { method, path: `${path}${query}`, ...(body && { body }) };
      return succeeded(await ask(request, waitSeconds));
    },
  };
}

/** Faults: that of the answer, with its own sentence */
function succeeded({ status, code, json }: Answer): unknown {
  if (status < 300) return json;
  const { data } = problem.safeParse(json);
  if (data === undefined || typeof code !== 'string' || !(code in faults)) {
    throw unresponsive(`It answers ${status}.`);
  }
  throw new Fault(code as FaultCode, data.faultstring);
}

function parsed<T>(schema: z.ZodType<T>, json: unknown): T {
  const { data, success } = schema.safeParse(json);
  if (success) return data;
  throw unresponsive('Its answer cannot be read.');
}

function faultOf(error: unknown): unknown {
  const code = systemErrorCode(error);
  // A caller without permission gets the system's own error, because that caller cannot tell whether it runs.
  if (code === 'EACCES') return error;
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return new Fault(
      'controller_not_running',
      "ha-controller does not run on this host. Load balancers are managed where it runs. 'systemctl status ha-controller' says why; 'systemctl enable --now ha-controller' starts it.",
    );
  }
  if (error instanceof SyntaxError) return unresponsive('Its answer cannot be read.');
  return unresponsive((error as Error).message);
}

function unresponsive(why: string): Fault {
  return new Fault(
    'controller_unresponsive',
    `ha-controller runs on this host and does not answer as it should: ${why.replace(/\.?$/, '.')} 'journalctl -u ha-controller' says more.`,
  );
}
