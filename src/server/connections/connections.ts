import type net from 'node:net';

import { sourceNetwork } from '../../access/source-network.ts';
import { makeConnectionPool, type PoolLimits } from './connection-pool.ts';
import { makeFairQueue } from './fair-queue.ts';
import { fewPerTurn, soon } from './per-turn.ts';

/** Limits of the connections by which callers with a token come. */
export interface ConnectionLimits {
  /** Connections on which no valid token has been shown yet; a group is an address. */
  unauthenticated: PoolLimits;
  /** The others; a group is a caller. */
  authenticated: PoolLimits;
  /** Milliseconds without a valid token until a connection on which nothing is being answered is closed. */
  authenticationTimeoutMs: number;
  /** Max number of connections above the limit of unauthenticated ones, until what came with them has been read. */
  maxArrivals: number;
  /** Max number of TLS handshakes that begin in one turn of the event loop. */
  maxTlsStartsPerTurn: number;
}

/** A TCP connection. */
interface Connection {
  /** The TCP socket, below TLS. */
  socket: net.Socket;
  /** The network that it comes from, see sourceNetwork. */
  source: string;
  /** Whether it waits for the agent: for TLS to begin, or for an answer. Otherwise, the agent waits for the client. */
  isWaiting: boolean;
  timer: NodeJS.Timeout | undefined;
}

/** How `authenticate` reports whether a request's connection has shown a token. */
export interface CallerConnections {
  /**
   * The request showed a valid token. Ignores a socket that does not belong to a listener.
   * @returns false if there are too many connections with requests under way, of the caller or in all
   */
  authenticated(socket: net.Socket, caller: string): boolean;
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
 * - A connection that waits for the agent is never closed to make room for one with a token. It is closed to make room for
 *   one without a token only if all connections of its address wait. So a caller can be displaced only while the agent
 *   waits for that caller.
 * - Room is made only after the agent has read what came with the accepted connections. So a connection that arrives
 *   together with many others is not closed before its first bytes are read.
 */
export interface Connections extends CallerConnections {
  /**
   * Adds a connection that was accepted; another one may be closed to make room.
   * @returns whether it stays
   */
  accept(socket: net.Socket): boolean;
  /** TLS can begin on an accepted connection: calls `start` when its turn comes. Addresses take turns. */
  startTls(socket: net.Socket, start: () => void): void;
  /** From now on, the requests of an accepted connection come through this TLS socket. */
  secured(socket: net.Socket): void;
  /** Whether a request of the connection is being answered. */
  answering(socket: net.Socket, isAnswering: boolean): void;
}

export function makeConnections(limits: ConnectionLimits): Connections {
  const unauthenticated = makeConnectionPool<Connection>(limits.unauthenticated);
  const authenticated = makeConnectionPool<Connection>(limits.authenticated);
  const starts = makeFairQueue<Connection>();
  const startOf = new WeakMap<Connection, () => void>();
  // Node.js does not expose the connection below a TLS socket; the addresses of both ends identify it.
  const byEnds = new Map<string, Connection>();
  const bySocket = new WeakMap<net.Socket, Connection>();

  function waitForToken(connection: Connection): void {
    clearTimeout(connection.timer);
    connection.timer = setTimeout(() => {
      if (connection.isWaiting) waitForToken(connection);
      else connection.socket.destroy();
    }, limits.authenticationTimeoutMs).unref();
  }

  function addUnauthenticated(connection: Connection): void {
    waitForToken(connection);
    unauthenticated.add(connection, connection.source);
    makeRoomSoon();
  }

  // A connection that was accepted in this turn of the event loop is first read in the next turn.
  const makeRoomSoon = soon(() => {
    setImmediate(makeRoom);
  });

  function makeRoom(): void {
    while (unauthenticated.isTooLarge()) {
      const gone = unauthenticated.takeOut(waitsForClient) ?? unauthenticated.takeOut(() => true);
      gone?.socket.destroy();
    }
  }

  const startSoon = fewPerTurn(() => {
    const connection = starts.next();
    if (connection === undefined) return false;
    startOf.get(connection)?.();
    advance(connection, false);
    return true;
  }, limits.maxTlsStartsPerTurn);

  /** A connection that makes a step is closed later than those that make none. Single bytes are not a step. */
  function advance(connection: Connection, isWaiting: boolean): void {
    connection.isWaiting = isWaiting;
    unauthenticated.refresh(connection);
  }

  return {
    accept(socket) {
      // The address is undefined if the connection was reset in the meantime.
      const isTooMany = unauthenticated.size() >= limits.unauthenticated.max + limits.maxArrivals;
      if (isTooMany || socket.remoteAddress === undefined) {
        socket.destroy();
        return false;
      }
      const source = sourceNetwork(socket.remoteAddress);
      const connection: Connection = { socket, source, isWaiting: false, timer: undefined };
      bySocket.set(socket, connection);
      // There is no other listener before TLS or HTTP begins.
      socket.on('error', () => undefined);
      socket.once('close', () => {
        clearTimeout(connection.timer);
        unauthenticated.remove(connection);
        authenticated.remove(connection);
        starts.remove(connection);
      });
      addUnauthenticated(connection);
      return true;
    },

    startTls(socket, start) {
      const connection = bySocket.get(socket);
      if (connection === undefined) return;
      const ends = endsOf(socket);
      byEnds.set(ends, connection);
      socket.once('close', () => {
        if (byEnds.get(ends) === connection) byEnds.delete(ends);
      });
      advance(connection, true);
      startOf.set(connection, start);
      starts.add(connection, connection.source);
      startSoon();
    },

    secured(socket) {
      const connection = byEnds.get(endsOf(socket));
      if (connection === undefined) {
        socket.destroy();
        return;
      }
      bySocket.set(socket, connection);
      advance(connection, false);
    },

    answering(socket, isAnswering) {
      const connection = bySocket.get(socket);
      if (connection) connection.isWaiting = isAnswering;
    },

    authenticated(socket, caller) {
      const connection = bySocket.get(socket);
      // On a connection that has shown a token, another token changes nothing.
      if (connection === undefined || !unauthenticated.remove(connection)) return true;
      clearTimeout(connection.timer);
      authenticated.add(connection, caller);
      if (!authenticated.isTooLarge()) return true;
      const gone = authenticated.takeOut(waitsForClient);
      if (gone !== undefined) {
        gone.socket.destroy();
        return true;
      }
      authenticated.remove(connection);
      addUnauthenticated(connection);
      return false;
    },

    unauthenticated(socket) {
      const connection = bySocket.get(socket);
      if (connection && authenticated.remove(connection)) addUnauthenticated(connection);
    },
  };
}

const waitsForClient = ({ isWaiting }: Connection) => !isWaiting;

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: net.Socket): string {
  return [remoteAddress, remotePort, localAddress, localPort].join(' ');
}
