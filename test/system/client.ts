import http from 'node:http';
import https from 'node:https';

import { keepStatusMs } from '../../src/cluster/reading/status.ts';
import type { LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import { received } from '../support/received.ts';

/** An answer of the agent. */
export interface Answer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  text: string;
  json: unknown;
}

export interface Call {
  token?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  agent?: https.Agent;
  /** The path of the agent's Unix socket on this machine, to use it instead of HTTPS. */
  socketPath?: string;
  /**
   * The timeout of an answer. It is longer than the agent waits for a cluster (`change_deadline_seconds`), because the
   * agent's own error says more. It is also longer than a standstill of this machine.
   */
  timeoutMs?: number;
}

const port = 8443;

/**
 * Sends a request to the agent of a node from this machine, over HTTPS as a UI would, or over its Unix socket.
 * @throws an Error if the answer is not as the OpenAPI document has it
 */
export async function call(node: LabNode, path: string, options: Call = {}): Promise<Answer> {
  const { token, method = 'GET', headers = {}, body = '{}', agent, timeoutMs = 300_000 } = options;
  const { socketPath } = options;
  const protocol = socketPath === undefined ? https : http;
  const answer = await new Promise<Answer>((resolve, reject) => {
    const request = protocol.request(
      {
        ...(socketPath === undefined ? { host: node.address, port } : { socketPath }),
        path,
        method,
        headers: {
          'Content-Type': 'application/json',
          'Content-Length': Buffer.byteLength(body),
          ...(token !== undefined && { token }),
          ...headers,
        },
        rejectUnauthorized: false,
        ...(agent && { agent }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const { statusCode: status = 0, headers: answered } = response;
          resolve({ status, headers: answered, text, json: jsonOrUndefined(text) });
        });
      },
    );
    request.setTimeout(timeoutMs, () =>
      request.destroy(new Error(`no answer in ${timeoutMs / 1000} s`)),
    );
    request.on('error', reject);
    request.end(body);
  });
  const { status, text } = answer;
  const type = answer.headers['content-type'] as string | undefined;
  received({ method, url: path, sent: body, status, type, text });
  return answer;
}

/** A request below `/api/v2/system/ha`. */
export function callHa(node: LabNode, path: string, options: Call = {}): Promise<Answer> {
  return call(node, `/api/v2/system/ha/${path}`, options);
}

/** Waits until no cached answer of the agent is left. */
export async function forgotten(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, keepStatusMs + 100));
}

/** Waits until the agent of a node answers, for example after a restart. */
export async function untilHealthy(node: LabNode): Promise<void> {
  await waitUntil(
    `the agent of ${node.name} to answer`,
    async () => (await call(node, '/healthz')).status === 200,
    { everyMs: 20 },
  );
}

/** Writes a configuration of the agent and restarts the agent with it. */
export async function configure(node: LabNode, config: object): Promise<void> {
  await node.writeFile('/etc/ha-agent/config.json', `${JSON.stringify(config)}\n`);
  await node.run(['systemctl', 'restart', 'ha-agent']);
  await untilHealthy(node);
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
