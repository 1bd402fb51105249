import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';

import type { KeepalivedReport, Orders } from '../../../src/keepalived/report.ts';
import { makeNodeRequest, type NodeRequest } from './node-request.ts';

/** A request to the agent of amphorae. */
export interface AgentRequest {
  method: string;
  path: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  text: string;
}

export interface AgentAnswer {
  status: number;
  headers?: Readonly<Record<string, string>>;
  text: string;
}

/** A node that is a real TLS server for clients of one authority. It keeps orders and runs nothing. */
export interface FakeNode {
  port: number;
  machine: string;
  report: KeepalivedReport;
  adopted: { store: string; epoch: number } | null;
  /** Bodies of orders in their sequence. */
  ordered: { orders: Orders; wanted: unknown; watch: string[] }[];
  /** What it was asked, as `GET /node/1.0`. */
  asked: string[];
  /** Common names of the clients that it has let in. */
  clients: Set<string>;
  hasLeft: boolean;
  /** How long a question for a later report may wait. */
  pollMs: number;
  /** Answers each request before the usual answer. Undefined means the usual answer. */
  intercept:
    | ((what: string) => { status: number; body: unknown } | 'hang up' | 'be silent' | undefined)
    | undefined;
  /** Answers what is not for the node part, if the host is an amphora as well. `hang` answers nothing. */
  agent: ((request: AgentRequest) => Promise<AgentAnswer | 'hang up' | 'hang'>) | undefined;
  /** Changes the report and answers those who wait for it. */
  change(more: Partial<KeepalivedReport>): void;
  certify(certificate: string, key: string, authority: string): void;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export interface FakeNodeOptions {
  folder: string;
  /** By default, one that is free. */
  port?: number;
  machine?: string;
  /** The addresses of its eth0. */
  addresses?: readonly string[];
  key: string;
  certificate: string;
  authority: string;
}

export async function startFakeNode(options: FakeNodeOptions): Promise<FakeNode> {
  let next: NodeRequest | undefined;
  let waiting: (() => void)[] = [];
  const contextOf = (certificate: string, key: string, ca: string) => ({
    cert: certificate,
    key,
    ca,
    minVersion: 'TLSv1.2' as const,
  });
  let context = contextOf(options.certificate, options.key, options.authority);
  let server: https.Server;

  const node: FakeNode = {
    port: options.port ?? 0,
    machine: options.machine ?? 'machine-1',
    report: {
      sequence: 1,
      boot: 'boot-1',
      running: null,
      version: '2.2.7',
      isAnswering: true,
      instances: [],
      otherRouters: [],
      troubles: [],
    },
    adopted: null,
    ordered: [],
    asked: [],
    clients: new Set(),
    hasLeft: false,
    pollMs: 1000,
    intercept: undefined,
    agent: undefined,
    change(more) {
      node.report = { ...node.report, sequence: node.report.sequence + 1, ...more };
      for (const wake of waiting.splice(0)) wake();
    },
    certify(certificate, key, authority) {
      context = contextOf(certificate, key, authority);
      server.setSecureContext(context);
    },
    async start() {
      server = https.createServer(
        { ...context, requestCert: true, rejectUnauthorized: true },
        (request, response) => {
          void answer(request, response);
        },
      );
      server.on('secureConnection', (socket: TLSSocket) => {
        node.clients.add(socket.getPeerX509Certificate()?.subject ?? '');
      });
      server.on('tlsClientError', () => undefined);
      server.listen(node.port, '127.0.0.1');
      await once(server, 'listening');
      node.port = (server.address() as AddressInfo).port;
    },
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      waiting = [];
      await closed;
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'https://node');
    const what = `${request.method ?? ''} ${url.pathname}`;
    const text = await textOf(request);
    node.asked.push(what);
    if (node.agent && !url.pathname.startsWith('/node/')) {
      await answerAsAgent(node.agent, { request, response, url, text });
      return;
    }
    const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
    const other = node.intercept?.(what);
    if (other === 'hang up') {
      request.socket.destroy();
      return;
    }
    if (other === 'be silent') return;
    const { status, body: json } = other ?? { status: 200, body: await usual(what, url, body) };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
  }

  async function usual(what: string, url: URL, body: Record<string, unknown>): Promise<unknown> {
    switch (what) {
      case 'GET /node/1.0':
        return {
          name: 'n1',
          machine: node.machine,
          adopted: node.adopted,
          keepalived: '2.2.7',
          interfaces: [
            { name: 'lo', addresses: ['127.0.0.1/8'], is_up: true },
            { name: 'eth0', addresses: options.addresses ?? ['192.0.2.1/24'], is_up: true },
          ],
        };
      case 'GET /node/1.0/keepalived': {
        const { sequence, boot } = node.report;
        const { searchParams } = url;
        if (searchParams.get('boot') === boot && Number(searchParams.get('after')) >= sequence) {
          await new Promise<void>((resolve) => {
            waiting.push(resolve);
            setTimeout(resolve, node.pollMs).unref();
          });
        }
        return node.report;
      }
      case 'PUT /node/1.0/keepalived': {
        const order = body as unknown as FakeNode['ordered'][number];
        node.ordered.push(order);
        node.change({ running: order.orders });
        return { running: order.orders };
      }
      case 'POST /node/1.0/certificate-request':
        next = makeNodeRequest(options.folder);
        return { request: next.request };
      case 'PUT /node/1.0/certificate':
        if (next) node.certify(String(body['certificate']), next.key, String(body['authority']));
        return {};
      case 'POST /node/1.0/leave':
        node.hasLeft = true;
        return {};
      default:
        return { wrong: what };
    }
  }

  await node.start();
  return node;
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  text: string;
}

async function answerAsAgent(
  agent: NonNullable<FakeNode['agent']>,
  { request, response, url, text }: Exchange,
): Promise<void> {
  const { method = '', headers } = request;
  const path = url.pathname + url.search;
  const answer = await agent({ method, path, headers, text });
  if (answer === 'hang') return;
  if (answer === 'hang up') request.socket.destroy();
  else response.writeHead(answer.status, answer.headers).end(answer.text);
}

async function textOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('utf8');
}
