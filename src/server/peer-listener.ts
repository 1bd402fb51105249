import type { RequestListener } from 'node:http';
import https from 'node:https';
import type net from 'node:net';
import type { TlsOptions, TLSSocket } from 'node:tls';

import { systemErrorCode } from '../kit/fault.ts';
import type { Log } from '../kit/log.ts';
import { refuseMalformed } from './client-errors.ts';
import { close, listen, type Listeners, tcp } from './listen.ts';
import { serverFaults } from './faults.ts';
import { makeProblems } from './problem.ts';
import { logRefused } from './tls/refused.ts';

/** The callers that are admitted. */
export interface PeerAdmission {
  /** The versions and suites of TLS with a pre-shared key. */
  tls: Pick<TlsOptions, 'minVersion' | 'maxVersion' | 'ciphers' | 'secureOptions'>;
  /**
   * @param identity the text that the caller sent
   * @returns the key that the caller must prove, or null for an unknown caller
   */
  admit: (connection: object, identity: string) => Buffer | null;
}

/** Limits of the peer port. */
export interface PeerLimits {
  /** Milliseconds for a caller to show the key. */
  handshakeMs: number;
  /** Max number of callers that have not shown the key yet. A further one closes the oldest of them. */
  maxUnauthenticated: number;
  /** Milliseconds that a request may go without a byte. */
  silenceMs: number;
  /** Milliseconds for a whole request. */
  requestMs: number;
  /** Milliseconds between two requests. They exceed most intervals, because a handshake costs both sides. */
  idleMs: number;
}

const peerLimits: PeerLimits = {
  handshakeMs: 10_000,
  maxUnauthenticated: 64,
  silenceMs: 30_000,
  requestMs: 600_000,
  idleMs: 300_000,
};

/** Connections of all kinds. */
const maxPeers = 512;
/** The headers of a peer's request take a few hundred bytes. */
const maxPeerHeaderSize = 8 * 1024;

/**
 * Opens the port that receives liferafts. A caller needs a key that this host knows before any request is read. Callers
 * without a key cannot block a peer: if there are too many, the oldest of them is closed.
 * Faults: `cannot_listen`
 */
export async function openPeerListener(
  app: RequestListener,
  { address, port }: { address: string | null; port: number },
  { tls, admit }: PeerAdmission,
  log: Log,
  limits: PeerLimits = peerLimits,
): Promise<Listeners> {
  const answer = refuseMalformed(app, makeProblems(serverFaults).answer);
  const server = https.createServer(
    {
      ...tls,
      pskCallback: (connection, identity) => admit(connection, identity),
      handshakeTimeout: limits.handshakeMs,
      headersTimeout: Math.min(limits.handshakeMs, limits.requestMs),
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.idleMs,
      // The interval at which Node.js checks whether a request takes too long.
      connectionsCheckingInterval: Math.min(5000, limits.handshakeMs / 2),
      maxHeaderSize: maxPeerHeaderSize,
      requireHostHeader: false,
    },
    answer,
  );
  // RFC 9110, section 10.1.1, allows a server to ignore an unknown expectation.
  server.on('checkExpectation', answer);
  server.timeout = limits.silenceMs;
  server.maxConnections = maxPeers;
  // The request is too slow, too long or not HTTP. Node.js would answer in its own format.
  server.on('clientError', (_error, socket) => socket.destroy());
  limitUnauthenticated(server, limits.maxUnauthenticated);
  logRefused(server, 'peer port', reasonOf, log);
  const { where, name } = tcp(address, port);
  await listen(server, where, `https://${name}`, log);
  return { addresses: [`https://${name}`], stop: () => close(server) };
}

function limitUnauthenticated(server: https.Server, max: number): void {
  // A Set keeps the order in which they arrived.
  const unauthenticated = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => {
    unauthenticated.add(socket);
    socket.once('close', () => unauthenticated.delete(socket));
    const [first] = unauthenticated;
    if (unauthenticated.size > max) first?.destroy();
  });
  server.on('secureConnection', (secure: TLSSocket) => {
    // The TLS socket is another object, so the remote address and port identify the connection.
    for (const socket of unauthenticated) {
      if (
        socket.remotePort === secure.remotePort &&
        socket.remoteAddress === secure.remoteAddress
      ) {
        unauthenticated.delete(socket);
      }
    }
  });
}

/** The reason why a handshake failed, by OpenSSL's codes. For other errors, it is their own message. */
function reasonOf(error: Error): string {
  switch (systemErrorCode(error)) {
    // Without a shared key, the listener would need a certificate.
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
