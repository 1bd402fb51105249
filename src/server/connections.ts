import type net from 'node:net';

import { Fault } from '../errors.ts';
import { sourceNetwork } from '../source-network.ts';
import { makeConnectionPool, type PoolLimits } from './connection-pool.ts';

/** Limits of the connections by which callers with a token come. */
export interface ConnectionLimits {
  /** Connections on which no valid token was shown yet; a group is an address. */
  unauthenticated: PoolLimits;
  /** The others; a group is a caller. */
  authenticated: PoolLimits;
  /** Milliseconds without a valid token until a connection on which nothing is being answered is closed. */
  authenticationTimeoutMs: number;
}

/** A TCP connection. */
interface Connection {
  /** Of TCP, below TLS. */
  socket: net.Socket;
  /** The address that it comes from, as limits count it. */
  source: string;
  isAnswering: boolean;
  timer: NodeJS.Timeout | undefined;
}

/** What `authenticate` tells of the connection by which a request came. */
export interface CallerConnections {
  /**
   * The request showed a valid token. A socket that is none of a listener's is left alone.
   * Faults: `too_many_requests`
   */
  authenticated(socket: net.Socket, caller: string): void;
  /** The request showed none. */
  unauthenticated(socket: net.Socket): void;
}

/**
 * The connections by which callers with a token come, of all listeners together.
 *
 * INVARIANTS
 * - A connection counts among the unauthenticated ones until a request on it shows a valid token, and again when one
 *   shows none.
 * - Connections without a token never close one with a token.
 * - A connection on which a request is being answered is closed for no other one with a token.
 */
export interface Connections extends CallerConnections {
  /**
   * Takes in a connection that was accepted; another one may be closed for it.
   * @returns whether it stays
   */
  accept(socket: net.Socket): boolean;
  /** From now on the requests of an accepted connection come by this socket of TLS. */
  secured(socket: net.Socket): void;
  /** Whether a request of the connection is being answered. */
  answering(socket: net.Socket, isAnswering: boolean): void;
}

export function makeConnections(limits: ConnectionLimits): Connections {
  const unauthenticated = makeConnectionPool<Connection>(limits.unauthenticated);
  const authenticated = makeConnectionPool<Connection>(
    limits.authenticated,
    ({ isAnswering }) => !isAnswering,
  );
  // Node.js does not tell which connection is below a socket of TLS; the two ends do.
  const byEnds = new Map<string, Connection>();
  const bySocket = new WeakMap<net.Socket, Connection>();

  function waitForToken(connection: Connection): void {
    clearTimeout(connection.timer);
    connection.timer = setTimeout(() => {
      if (connection.isAnswering) waitForToken(connection);
      else connection.socket.destroy();
    }, limits.authenticationTimeoutMs).unref();
  }

  function addUnauthenticated(connection: Connection): void {
    waitForToken(connection);
    unauthenticated.add(connection, connection.source)?.socket.destroy();
  }

  return {
    accept(socket) {
      // Undefined if it was reset meanwhile.
      if (socket.remoteAddress === undefined) {
        socket.destroy();
        return false;
      }
      const source = sourceNetwork(socket.remoteAddress);
      const connection: Connection = { socket, source, isAnswering: false, timer: undefined };
      const ends = endsOf(socket);
      byEnds.set(ends, connection);
      bySocket.set(socket, connection);
      socket.once('close', () => {
        clearTimeout(connection.timer);
        unauthenticated.remove(connection);
        authenticated.remove(connection);
        if (byEnds.get(ends) === connection) byEnds.delete(ends);
      });
      addUnauthenticated(connection);
      return !socket.destroyed;
    },

    secured(socket) {
      const connection = byEnds.get(endsOf(socket));
      if (connection) bySocket.set(socket, connection);
      else socket.destroy();
    },

    answering(socket, isAnswering) {
      const connection = bySocket.get(socket);
      if (connection) connection.isAnswering = isAnswering;
    },

    authenticated(socket, caller) {
      const connection = bySocket.get(socket);
      // On a connection that has shown a token another one counts as the first.
      if (connection === undefined || !unauthenticated.remove(connection)) return;
      clearTimeout(connection.timer);
      const gone = authenticated.add(connection, caller);
      if (gone !== connection) {
        gone?.socket.destroy();
        return;
      }
      addUnauthenticated(connection);
      throw new Fault(
        'too_many_requests',
        `There are as many connections with requests under way as are allowed, ${limits.authenticated.maxPerGroup} of one token, ${limits.authenticated.max} in all. Nothing of this request was done; ask again in some seconds, over fewer connections.`,
        { retryAfterSeconds: 5 },
      );
    },

    unauthenticated(socket) {
      const connection = bySocket.get(socket);
      if (connection && authenticated.remove(connection)) addUnauthenticated(connection);
    },
  };
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: net.Socket): string {
  return [remoteAddress, remotePort, localAddress, localPort].join(' ');
}
