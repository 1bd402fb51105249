import type { ConnectionLimits } from './connections.ts';
import type { RequestLimits } from './serial-requests.ts';
import type { ServerConfig } from '../config.ts';

// The limits of the agent's listeners. docs/security.md lists them all; the receiver's are in peer-listener.ts.

/** Milliseconds that Node.js gives a client for parts of a request. */
export const requestTimeouts = {
  /** For the headers. */
  headersTimeout: 10_000,
  /** For all of a request, its body too, which has at most 1 MiB. */
  requestTimeout: 60_000,
  /** Between two requests. A UI polls over one connection; the default of 5 s would close it between two polls. */
  keepAliveTimeout: 65_000,
  /** How often Node.js looks. */
  connectionsCheckingInterval: 5000,
};

/** Bytes of a request's line and headers, and the number of headers, above which Node.js hangs up (431). */
export const maxHeaderSize = 16 * 1024;
export const maxHeadersCount = 100;

/** Connections by the Unix socket, which is root's. Those of the network take none of their places. */
export const maxSocketConnections = 256;

/** Connections that were not accepted yet (listen(2)); a storm of them must not keep a caller's from arriving. */
export const backlog = 4096;

export const requestLimits: RequestLimits = {
  maxPipelinedBytes: 16 * 1024,
  maxPipelinedPerTurn: 4,
  maxUnreadBytes: 64 * 1024 * 1024,
  readTimeoutMs: 30_000,
};

/** Limits of connections by the network: a quarter may come from one address, and half be of one token. */
export function connectionLimits({
  max_connections: max,
  max_unauthenticated_connections: maxUnauthenticated,
}: Pick<ServerConfig, 'max_connections' | 'max_unauthenticated_connections'>): ConnectionLimits {
  return {
    unauthenticated: { max: maxUnauthenticated, maxPerGroup: Math.ceil(maxUnauthenticated / 4) },
    authenticated: { max, maxPerGroup: Math.ceil(max / 2) },
    authenticationTimeoutMs: 10_000,
    maxArrivals: backlog,
    maxTlsStartsPerTurn: 32,
  };
}
