import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import https from 'node:https';
import type net from 'node:net';

import { fewPerTurn } from './per-turn.ts';

/** Limits of what may wait on one connection, and on all connections of a listener. */
export interface RequestLimits {
  /** Max bytes of pipelined requests on one connection while an earlier request is answered. */
  maxPipelinedBytes: number;
  /** Max bytes of answers that clients have not read yet, on all connections. */
  maxUnreadBytes: number;
  /** Max number of pipelined requests that begin in one turn of the event loop, on all connections. */
  maxPipelinedPerTurn: number;
  /** Milliseconds for a client to read an answer that is complete. */
  readTimeoutMs: number;
}

/** The requests of a listener, one at a time for each connection. */
export interface SerialRequests {
  /** Answers no further request; each connection ends when its current answer has been sent. */
  stop(): void;
  /** Ends the connections whose request changes nothing (GET, HEAD). */
  dropReads(): void;
  /** Whether a connection has neither an answer nor a request under way, as far as it came. */
  isBetweenRequests(socket: net.Socket): boolean;
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
}

// The parser gets this much at a time, so that it makes few requests from pipelined bytes before it can be paused.
const pieceBytes = 512;

/**
 * Serves the requests of a server that has no request listener yet.
 *
 * INVARIANTS
 * - Each connection has at most one request under way. What the client sends after it waits as bytes until the answer has
 *   been read. Node.js would parse and answer all of them at once (HTTP pipelining).
 * - Requests that are not pipelined begin before pipelined ones. Only a few pipelined ones begin in each turn of the event
 *   loop, so nobody waits for many answers to other clients.
 * - A client that pipelines more than `maxPipelinedBytes`, or takes longer than `readTimeoutMs` to read an answer, loses
 *   its connection. If all clients together leave more than `maxUnreadBytes` unread, the slowest client loses it.
 *
 * @param answering notified when a request of a connection begins and ends to be under way
 */
export function serveSerially(
  server: Server | https.Server,
  app: RequestListener,
  limits: RequestLimits,
  answering: (socket: net.Socket, isAnswering: boolean) => void = () => undefined,
): SerialRequests {
  const connections = new Map<net.Socket, ReturnType<typeof serveConnection>>();
  const unread = makeUnreadAnswers(limits);
  let isStopping = false;
  // The connections whose next request came before the previous answer was sent, in order of arrival.
  const pipelining = new Map<net.Socket, () => void>();
  const goOnSoon = fewPerTurn(() => {
    const [first] = pipelining;
    if (first === undefined) return false;
    const [socket, goOn] = first;
    pipelining.delete(socket);
    goOn();
    return true;
  }, limits.maxPipelinedPerTurn);

  function serveConnection(socket: net.Socket) {
    // Node.js reads the socket in native code until another listener is added.
    const [parse] = socket.listeners('data') as [(bytes: Buffer) => void];
    socket.removeListener('data', parse);
    let held: Buffer = Buffer.alloc(0);
    let current: Exchange | undefined;
    /** The latest request; its body may still come after its answer. */
    let latest: IncomingMessage | undefined;
    const waiting: Exchange[] = [];

    /** Gives the parser what it may parse now. Node.js pauses the socket while a client does not read. */
    function feed(): void {
      while (held.length > 0 && !socket.isPaused() && !socket.destroyed) {
        // Bytes after a complete request belong to the next one.
        if (current?.request.complete || pipelining.has(socket)) return;
        const piece = held.subarray(0, pieceBytes);
        held = held.subarray(pieceBytes);
        parse(piece);
      }
    }

    function begin(exchange: Exchange): void {
      current = exchange;
      const { request, response } = exchange;
      latest = request;
      answering(socket, true);
      response.once('prefinish', () => {
        unread.add(response, socket);
      });
      response.once('close', () => {
        unread.remove(response);
        answering(socket, false);
        current = undefined;
        if (isStopping) socket.destroySoon();
        if (socket.destroyed) return;
        // Bytes after an incomplete request are the rest of its body.
        if (request.complete && waiting.length + held.length > 0) {
          pipelining.set(socket, goOn);
          goOnSoon();
        } else {
          goOn();
        }
      });
      app(request, response);
    }

    function goOn(): void {
      const next = waiting.shift();
      if (next) begin(next);
      feed();
    }

    socket.on('data', (bytes: Buffer) => {
      held = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
      feed();
      // If the app reads a body slowly, at most one piece of it waits here, because the socket is then paused.
      const isPipelined = current?.request.complete ?? pipelining.has(socket);
      if (isPipelined && held.length > limits.maxPipelinedBytes) socket.destroy();
    });
    socket.on('resume', feed);
    socket.once('close', () => {
      waiting.length = 0;
      held = Buffer.alloc(0);
      pipelining.delete(socket);
      connections.delete(socket);
    });
    return {
      take(exchange: Exchange) {
        if (current || pipelining.has(socket)) waiting.push(exchange);
        else begin(exchange);
      },
      isReading: () => current === undefined || /^(?:GET|HEAD)$/.test(current.request.method ?? ''),
      isIdle: () => current === undefined,
      isBetweenRequests: () => current === undefined && latest?.complete !== false,
    };
  }

  const take = (request: IncomingMessage, response: ServerResponse) => {
    connections.get(request.socket)?.take({ request, response });
  };
  const connected = server instanceof https.Server ? 'secureConnection' : 'connection';
  server.on(connected, (socket: net.Socket) => {
    connections.set(socket, serveConnection(socket));
  });
  server.on('request', take);
  // RFC 9110, section 10.1.1, allows a server to ignore an unknown expectation.
  server.on('checkExpectation', take);

  const drop = (which: 'isReading' | 'isIdle') => {
    for (const [socket, each] of connections) if (each[which]()) socket.destroy();
  };
  return {
    stop() {
      isStopping = true;
      drop('isIdle');
    },
    dropReads() {
      drop('isReading');
    },
    isBetweenRequests: (socket) => connections.get(socket)?.isBetweenRequests() ?? true,
  };
}

/** The complete answers that clients have not read yet. */
function makeUnreadAnswers({ maxUnreadBytes, readTimeoutMs }: RequestLimits) {
  const answers = new Map<
    ServerResponse,
    { socket: net.Socket; bytes: number; timer: NodeJS.Timeout }
  >();
  let total = 0;

  function remove(response: ServerResponse): void {
    const answer = answers.get(response);
    if (answer === undefined) return;
    answers.delete(response);
    total -= answer.bytes;
    clearTimeout(answer.timer);
  }

  return {
    add(response: ServerResponse, socket: net.Socket): void {
      const bytes = socket.writableLength;
      if (bytes === 0) return;
      const timer = setTimeout(() => socket.destroy(), readTimeoutMs).unref();
      answers.set(response, { socket, bytes, timer });
      total += bytes;
      for (const [oldest, { socket: slowest }] of answers) {
        if (total <= maxUnreadBytes || oldest === response) break;
        slowest.destroy();
        remove(oldest);
      }
    },
    remove,
  };
}
