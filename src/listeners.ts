import { lstat, rm } from 'node:fs/promises';
import http, { type RequestListener, type Server } from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { TLSSocket } from 'node:tls';

import type { PeerCallers } from './alphorn/peer-callers.ts';
import { peerTls } from './alphorn/peer-protocol.ts';
import type { Config } from './config.ts';
import { Fault, systemErrorCode } from './errors.ts';
import type { Log } from './log.ts';
import { apiTls, type TlsIdentity } from './tls.ts';

/** Longest wait, in milliseconds, for answers under way when the agent stops. */
const drainMs = 4000;

/** What is being listened on. */
export interface Listeners {
  /** For the log, such as `https://*:8443`. */
  addresses: readonly string[];
  /** Takes no new call, lets those under way finish, and returns when all is closed. */
  stop(): Promise<void>;
}

/** Those of the API. */
export interface ApiListeners extends Listeners {
  /** Serves new connections with another certificate. */
  setIdentity(identity: TlsIdentity): void;
}

/**
 * Opens every configured door. The Unix socket gets its mode from the process's umask, for
 * a mode that is set behind would leave a moment in which anybody can connect.
 * Faults: `cannot_listen`
 */
export async function openListeners(
  apps: { network: RequestListener; socket: RequestListener },
  config: Config,
  identity: TlsIdentity,
): Promise<ApiListeners> {
  const secure = https.createServer({ ...apiTls, ...identity }, apps.network);
  const opened: { server: Server | https.Server; address: string }[] = [];
  const open = async (server: Server | https.Server, where: net.ListenOptions, address: string) => {
    // A UI polls over one connection; the default of 5 s would close it between two polls.
    server.keepAliveTimeout = 65_000;
    server.maxConnections = 1000;
    await listen(server, where, address);
    opened.push({ server, address });
  };
  const stop = async () => {
    await Promise.all(opened.map(({ server }) => close(server)));
  };

  try {
    await freeSocket(config.socket);
    await open(http.createServer(apps.socket), { path: config.socket }, config.socket);
    const tls = tcp(config.https_address, config.https_port);
    await open(secure, tls.where, `https://${tls.name}`);
    if (config.http_port !== null) {
      const plain = tcp(config.http_address, config.http_port);
      await open(http.createServer(apps.network), plain.where, `http://${plain.name}`);
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

/** What the peer port bears with, of strangers and of others. */
export interface PeerPatience {
  /** Milliseconds until who calls has shown the key. */
  handshakeMs: number;
  /** How many may be on the way there; one more, and the first of them is turned away. */
  mostStrangers: number;
  /** Milliseconds without a byte, of a request that is under way. */
  silenceMs: number;
  /** Milliseconds for a whole request. */
  requestMs: number;
  /** Milliseconds between two requests: longer than most intervals, for a handshake costs both sides. */
  idleMs: number;
}

const peerPatience: PeerPatience = {
  handshakeMs: 10_000,
  mostStrangers: 64,
  silenceMs: 30_000,
  requestMs: 600_000,
  idleMs: 300_000,
};

/** Connections of all kinds. */
const mostPeers = 512;
/** What stands in a request's headers is a few hundred bytes. */
const longestPeerHeader = 8 * 1024;

/**
 * Opens the port on which liferafts come in. Nobody gets as far as a request without a key that this host knows.
 * Who has none costs a handshake, and takes nobody's place: of those that have shown nothing yet, the one that
 * takes longest makes room.
 * Faults: `cannot_listen`
 */
export async function openPeerListener(
  app: RequestListener,
  { peer_address: address, peer_port: port }: Pick<Config, 'peer_address' | 'peer_port'>,
  callers: PeerCallers,
  log: Log,
  patience: PeerPatience = peerPatience,
): Promise<Listeners> {
  const server = https.createServer(
    {
      ...peerTls,
      pskCallback: (connection, identity) => callers.admit(connection, identity),
      handshakeTimeout: patience.handshakeMs,
      headersTimeout: Math.min(patience.handshakeMs, patience.requestMs),
      requestTimeout: patience.requestMs,
      keepAliveTimeout: patience.idleMs,
      // How often Node.js looks whether a request takes too long.
      connectionsCheckingInterval: Math.min(5000, patience.handshakeMs / 2),
      maxHeaderSize: longestPeerHeader,
    },
    app,
  );
  server.timeout = patience.silenceMs;
  server.maxConnections = mostPeers;
  // Too slow, too long or no HTTP at all: Node.js would answer in words of its own.
  server.on('clientError', (_error, socket) => socket.destroy());
  limitStrangers(server, patience.mostStrangers);
  tellOfRefused(server, log);
  const { where, name } = tcp(address, port);
  await listen(server, where, `https://${name}`);
  return { addresses: [`https://${name}`], stop: () => close(server) };
}

function limitStrangers(server: https.Server, most: number): void {
  // A Set keeps the order in which they came.
  const strangers = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => {
    strangers.add(socket);
    socket.once('close', () => strangers.delete(socket));
    const [first] = strangers;
    if (strangers.size > most) first?.destroy();
  });
  server.on('secureConnection', (secure: TLSSocket) => {
    // The same connection, which TLS knows by its two ends.
    for (const socket of strangers) {
      if (
        socket.remotePort === secure.remotePort &&
        socket.remoteAddress === secure.remoteAddress
      ) {
        strangers.delete(socket);
      }
    }
  });
}

// Who tries doors makes no more than a line a minute.
const tellAgainAfterMs = 60_000;
const mostTold = 1000;

function tellOfRefused(server: https.Server, log: Log): void {
  const toldAt = new Map<string, number>();
  server.on('tlsClientError', (error: Error, { remoteAddress }: TLSSocket) => {
    // Of IPv4 as people write it, not as a socket for both has it (RFC 4291, section 2.5.5.2).
    const from = remoteAddress?.replace(/^::ffff:(?=\d+\.)/, '');
    const now = performance.now();
    const kind = `${from ?? ''} ${systemErrorCode(error) ?? ''}`;
    if (now - (toldAt.get(kind) ?? -Infinity) < tellAgainAfterMs) return;
    if (toldAt.size >= mostTold) toldAt.clear();
    toldAt.set(kind, now);
    log.warn({ from, reason: reasonOf(error) }, 'refused a caller on the peer port');
  });
}

/** Why a handshake failed, by OpenSSL's codes; of others in the error's own words. */
function reasonOf(error: Error): string {
  switch (systemErrorCode(error)) {
    // Without a key that both know there would have to be a certificate.
    case 'ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM':
    case 'ERR_SSL_NO_SHARED_CIPHER':
      return 'It showed no key that this host knows. If it is a peer, give both the same key.';
    case 'ERR_SSL_BINDER_DOES_NOT_VERIFY':
      return 'It named a key of this host and does not have it.';
    case 'ERR_SSL_UNSUPPORTED_PROTOCOL':
      return 'It speaks a TLS older than 1.3.';
    case 'ERR_SSL_HTTP_REQUEST':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
      return 'It does not speak TLS.';
    case 'ERR_TLS_HANDSHAKE_TIMEOUT':
      return 'It took too long to show a key.';
    case 'ECONNRESET':
      return 'It hung up before it had shown a key.';
    default:
      return error.message.split('\n')[0] ?? '';
  }
}

/**
 * Opens a socket for root on this host. Its mode is that of the process's umask.
 * Faults: `cannot_listen`
 */
export async function openSocketListener(app: RequestListener, path: string): Promise<Listeners> {
  const server = http.createServer(app);
  await freeSocket(path);
  await listen(server, { path }, path);
  return { addresses: [path], stop: () => close(server) };
}

function tcp(address: string | null, port: number): { where: net.ListenOptions; name: string } {
  // Without a host, Node takes IPv4 alone where there is no IPv6.
  if (address === null) return { where: { port }, name: `*:${port}` };
  const host = net.isIPv6(address) ? `[${address}]` : address;
  return { where: { port, host: address }, name: `${host}:${port}` };
}

async function listen(
  server: net.Server,
  where: net.ListenOptions,
  address: string,
): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(where, resolve);
    });
  } catch (error) {
    const reason =
      systemErrorCode(error) === 'EADDRINUSE'
        ? 'it is taken by another process. End that one, or configure another address.'
        : `${(error as Error).message}. Correct the configuration.`;
    throw new Fault('cannot_listen', `Cannot listen on ${address}: ${reason}`);
  }
}

/**
 * Removes the socket that an agent left which was killed. Anything else that has its name stays: one
 * that is answered on, and a file that is no socket.
 */
async function freeSocket(path: string): Promise<void> {
  const there = await lstat(path).catch(() => undefined);
  if (there === undefined) return;
  if (!there.isSocket()) {
    throw new Fault(
      'cannot_listen',
      `${path} is there and is no socket. Configure another path as 'socket'.`,
    );
  }
  const refusal = await new Promise<unknown>((resolve) => {
    const probe = net.connect(path, () => {
      probe.destroy();
      resolve(undefined);
    });
    probe.once('error', resolve);
  });
  if (systemErrorCode(refusal) !== 'ECONNREFUSED') {
    throw new Fault('cannot_listen', `${path} is served by another ha-agent. Stop it first.`);
  }
  await rm(path, { force: true });
}

async function close(server: Server | https.Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const impatience = setTimeout(() => {
    server.closeAllConnections();
  }, drainMs);
  await closed;
  clearTimeout(impatience);
}
