import type { ConnectionLimits } from './connections.ts';
import type { RequestLimits } from './serial-requests.ts';
import type { ServerConfig } from '../config.ts';

// The limits of the agent's listeners. docs/security.md lists them all; the receiver's are in peer-listener.ts.

/** Milliseconds that Node.js gives a client for parts of a request. */
export const requestTimeouts = {
  /** For the headers. */
  headersTimeout: 10_000,
  /** For the whole request with its body, which has at most 1 MiB. */
  requestTimeout: 60_000,
  /** Between two requests. A UI polls over one connection; the default of 5 s would close it between two polls. */
  keepAliveTimeout: 65_000,
  /** Between two checks by Node.js. */
  connectionsCheckingInterval: 5000,
};

/** Bytes of a request's line and headers, and the number of headers, above which Node.js hangs up (431). */
export const maxHeaderSize = 16 * 1024;
export const maxHeadersCount = 100;

/** Max number of connections through the Unix socket, which only root can use. They are counted separately. */
export const maxSocketConnections = 256;

/** Max number of connections that wait to be accepted (listen(2)). Many of them must not prevent a caller's from arriving. */
export const backlog = 4096;

export const requestLimits: RequestLimits = {
  maxPipelinedBytes: 16 * 1024,
  maxPipelinedPerTurn: 4,
  maxUnreadBytes: 64 * 1024 * 1024,
  readTimeoutMs: 30_000,
};

/** Limits of network connections: a quarter may come from one address, and half of them may belong to one token. */
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
