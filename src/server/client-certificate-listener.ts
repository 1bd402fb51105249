import { constants, randomBytes, X509Certificate } from 'node:crypto';
import type { RequestListener } from 'node:http';
import https from 'node:https';
import { createSecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls';

import { Fault, systemErrorCode } from '../kit/fault.ts';
import type { Log } from '../kit/log.ts';
import { answerClientErrors, refuseMalformed } from './client-errors.ts';
import { admit } from './connections/admit.ts';
import { type ConnectionLimits, makeConnections } from './connections/connections.ts';
import {
  backlog,
  connectionLimits,
  maxHeadersCount,
  maxHeaderSize,
  requestLimits,
  requestTimeouts,
} from './connections/limits.ts';
import { serveSerially } from './connections/serial-requests.ts';
import { close, listen, type Listeners, tcp } from './listen.ts';
import type { AnswerFault } from './middleware/answer-errors.ts';
import { apiTls } from './tls/identity.ts';
import { logRefused } from './tls/refused.ts';
import { checked, type TlsIdentity } from './tls/source.ts';

/** What a server of client certificates shows and trusts, as PEM texts. */
export interface MutualIdentity extends TlsIdentity {
  /** The certificates that sign those of clients; one or more. */
  ca: string;
}

export interface CertificateListenerOptions {
  /** Null means all addresses. */
  address: string | null;
  port: number;
  identity: MutualIdentity;
  /** The format of an error that belongs to no route. */
  answerFault: AnswerFault;
  /** The oldest TLS that is spoken; 1.2 by default. */
  minTls?: MinTls;
  limits?: ConnectionLimits;
}

type MinTls = 'TLSv1.2' | 'TLSv1.3';

/** A listener for clients with a certificate. */
export interface CertificateListener extends Listeners {
  /**
   * Uses another identity for new connections. Open connections go on.
   * Faults: `invalid_config` if it cannot be used; the former one stays
   */
  setIdentity(identity: MutualIdentity): void;
}

/** A caller with a certificate may have half of the connections. */
const defaultLimits = connectionLimits({
  max_connections: 512,
  max_unauthenticated_connections: 256,
});

/** Milliseconds between two requests. Drivers reuse a connection for up to 75 s, and count a closed one as a failure. */
const keepAliveTimeout = 90_000;

/**
 * Opens a port that serves only clients whose certificate is signed by `identity.ca`. Other clients get no byte of HTTP
 * (CVE-2019-17134). TLS sessions cannot be resumed, so each connection shows its certificate to the current CA.
 * Faults: `cannot_listen`, `invalid_config`
 */
export async function openCertificateListener(
  app: RequestListener,
  {
    address,
    port,
    identity,
    answerFault,
    minTls = 'TLSv1.2',
    limits = defaultLimits,
  }: CertificateListenerOptions,
  log: Log,
): Promise<CertificateListener> {
  const server = https.createServer({
    ...requestTimeouts,
    keepAliveTimeout,
    maxHeaderSize,
    requireHostHeader: false,
    ...contextOf(identity, minTls),
    requestCert: true,
    rejectUnauthorized: true,
  });
  server.maxHeadersCount = maxHeadersCount;
  const connections = makeConnections(limits);
  admit(server, connections);
  server.on('secureConnection', (socket: TLSSocket) => {
    // Node.js passes on only verified connections. If it ever did not, nothing would be answered.
    if (!socket.authorized || !connections.authenticated(socket, nameOf(socket))) socket.destroy();
  });
  const answering = (socket: object, isAnswering: boolean) => {
    connections.answering(socket as TLSSocket, isAnswering);
  };
  const guarded = refuseMalformed(app, answerFault);
  const serial = serveSerially(server, guarded, requestLimits, answering);
  answerClientErrors(server, serial, answerFault);
  logRefused(server, 'port for client certificates', reasonOf, log);
  const { where, name } = tcp(address, port);
  await listen(server, { ...where, backlog }, `https://${name}`, log);
  return {
    addresses: [`https://${name}`],
    stop: (changes) => close(server, serial, changes),
    setIdentity(next) {
      server.setSecureContext(contextOf(next, minTls));
    },
  };
}

/** Faults: `invalid_config` */
function contextOf(identity: MutualIdentity, minVersion: MinTls): SecureContextOptions {
  checked(identity, 'The certificate and the key of the server cannot be used.');
  const { key, cert, ca } = identity;
  try {
    // Without a CA, Node.js would trust those of the public.
    if (!new X509Certificate(ca).ca) throw new Error('It is not a CA.');
    const context = {
      ...apiTls,
      minVersion,
      secureOptions: apiTls.secureOptions | constants.SSL_OP_NO_TICKET,
      // A session of an earlier CA has another context.
      sessionIdContext: randomBytes(16).toString('hex'),
      key,
      cert,
      ca,
    };
    createSecureContext(context);
    return context;
  } catch (error) {
    throw new Fault(
      'invalid_config',
      `The CA of client certificates cannot be used. ${(error as Error).message}`,
    );
  }
}

/** The name of the client's certificate, for the limits of its connections. */
function nameOf(socket: TLSSocket): string {
  return socket.getPeerX509Certificate()?.subject ?? '';
}

/** The reason why a handshake failed, by the codes of Node.js and OpenSSL. */
function reasonOf(error: Error, socket: TLSSocket): string {
  // It is a code of OpenSSL, and null before the certificate was verified.
  const refused: unknown = socket.authorizationError;
  if (typeof refused === 'string') {
    return `Its certificate is not accepted (${refused}). Use one that the CA of this agent has signed for clients.`;
  }
  switch (systemErrorCode(error)) {
    case 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE':
      return 'It showed no certificate.';
    case 'ERR_SSL_UNSUPPORTED_PROTOCOL':
      return 'It speaks a TLS that is too old.';
    case 'ERR_SSL_HTTP_REQUEST':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
      return 'It does not speak TLS.';
    case 'ECONNRESET':
      return 'It hung up before it had shown a certificate.';
    default:
      return error.message.split('\n')[0] ?? '';
  }
}
