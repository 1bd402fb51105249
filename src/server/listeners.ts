import http, { type RequestListener, type Server } from 'node:http';
import https from 'node:https';
import type net from 'node:net';

import type { Log } from '../kit/log.ts';
import { apiTls } from './tls/identity.ts';
import { answerClientErrors, refuseMalformed } from './client-errors.ts';
import { admit } from './connections/admit.ts';
import type { Connections } from './connections/connections.ts';
import {
  backlog,
  maxHeadersCount,
  maxHeaderSize,
  maxSocketConnections,
  requestLimits,
  requestTimeouts,
} from './connections/limits.ts';
import type { AnswerFault } from './middleware/answer-errors.ts';
import { close, freeSocket, listen, type Listeners, tcp } from './listen.ts';
import {
  type RequestLimits,
  type SerialRequests,
  serveSerially,
} from './connections/serial-requests.ts';
import type { ServerConfig } from './config.ts';
import type { TlsIdentity } from './tls/source.ts';

/** The options of each server. `refuseMalformed` refuses a request without a host. */
const options = { ...requestTimeouts, maxHeaderSize, requireHostHeader: false };

/** The agent's apps, and the limits of their connections. */
export interface AgentService {
  apps: {
    /** For callers with a token. */
    network: RequestListener;
    /** For root, by the Unix socket. */
    socket: RequestListener;
  };
  /** The format of an error that belongs to no route. */
  answerFault: AnswerFault;
  /** The network connections. */
  connections: Connections;
  requests?: RequestLimits;
}

/** The listeners of the API. */
export interface ApiListeners extends Listeners {
  /** Uses another certificate for new connections. */
  setIdentity(identity: TlsIdentity): void;
}

/**
 * Opens every configured listener. The Unix socket gets its mode from the process's umask. If the mode were set later,
 * anybody could connect in between.
 * Faults: `cannot_listen`
 */
export async function openListeners(
  { apps, answerFault, connections, requests = requestLimits }: AgentService,
  config: ServerConfig,
  identity: TlsIdentity,
  log: Log,
): Promise<ApiListeners> {
  const secure = https.createServer({ ...options, ...apiTls, ...identity });
  const opened: { server: Server | https.Server; serial: SerialRequests; address: string }[] = [];
  const open = async (
    server: Server | https.Server,
    serial: SerialRequests,
    where: net.ListenOptions,
    address: string,
  ) => {
    server.maxHeadersCount = maxHeadersCount;
    answerClientErrors(server, serial, answerFault);
    await listen(server, { ...where, backlog }, address, log);
    opened.push({ server, serial, address });
  };
  const openNetwork = async (
    server: Server | https.Server,
    { where, name }: ReturnType<typeof tcp>,
    scheme: 'http' | 'https',
  ) => {
    admit(server, connections);
    const answering = (socket: net.Socket, isAnswering: boolean) => {
      connections.answering(socket, isAnswering);
    };
    await open(
      server,
      serveSerially(server, refuseMalformed(apps.network, answerFault), requests, answering),
      where,
      `${scheme}://${name}`,
    );
  };
  const stop = async (changes?: Promise<unknown>) => {
    await Promise.all(opened.map(({ server, serial }) => close(server, serial, changes)));
  };

  try {
    await freeSocket(config.socket);
    const socket = http.createServer(options);
    socket.maxConnections = maxSocketConnections;
    const { socket: path } = config;
    const app = refuseMalformed(apps.socket, answerFault);
    await open(socket, serveSerially(socket, app, requests), { path }, path);
    await openNetwork(secure, tcp(config.https_address, config.https_port), 'https');
    if (config.http_port !== null) {
      const where = tcp(config.http_address, config.http_port);
      await openNetwork(http.createServer(options), where, 'http');
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    addresses: opened.map(({ address }) => address),
    stop,
    setIdentity: (next) => {
      secure.setSecureContext({ ...apiTls, ...next });
    },
  };
}

/**
 * Opens a socket for root on this host. Its mode comes from the process's umask.
 * @param answerFault the format of an error that belongs to no route
 * Faults: `cannot_listen`
 */
export async function openSocketListener(
  app: RequestListener,
  path: string,
  answerFault: AnswerFault,
  log: Log,
): Promise<Listeners> {
  const server = http.createServer(options);
  server.maxConnections = maxSocketConnections;
  server.maxHeadersCount = maxHeadersCount;
  const serial = serveSerially(server, refuseMalformed(app, answerFault), requestLimits);
  answerClientErrors(server, serial, answerFault);
  await freeSocket(path);
  await listen(server, { path }, path, log);
  return { addresses: [path], stop: () => close(server, serial) };
}
