import type net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';

import { type Read, readAnswers } from './wire.ts';

/** Bytes for a connection, and the expected end. */
export interface Sent {
  /** Each is written separately. */
  pieces: readonly Buffer[];
  /** The methods of the requests in the bytes, as far as they are requests. */
  methods: readonly string[];
  /** The required number of answers. Without it, answers are read until the connection is quiet. */
  wanted?: number;
  /** How the connection ends: not at all, by the server, which must close it, or by the client. */
  end: 'keep' | 'server' | 'fin' | 'reset';
}

/** The result of an exchange. */
export interface Received extends Read {
  /** Whether the server ended the connection, or answered after the client's end. */
  isClosed: boolean;
}

/**
 * The time in which a server must answer or end a connection, in milliseconds. It is longer than any pause of this
 * machine.
 */
const deadlineMs = 30_000;
/** A connection is quiet after this time without data. */
const quietMs = 40;

/** A connection of the client. */
export interface Connection {
  /** Whether it can carry another request. */
  isOpen: () => boolean;
  exchange: (sent: Sent) => Promise<Received>;
  /** Sends bytes without expecting an answer. */
  write: (text: string) => void;
  destroy: () => void;
}

/** @param ready the event after which bytes can be sent */
export async function openConnection(socket: net.Socket, ready: string): Promise<Connection> {
  const state = { isClosed: false, chunks: [] as Buffer[] };
  let wake: () => void = () => undefined;
  socket.on('data', (chunk: Buffer) => {
    state.chunks.push(chunk);
    wake();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    state.isClosed = true;
    wake();
  });
  socket.setNoDelay(true);
  // A handshake may fail on a busy machine: then the connection is closed, and the caller opens another one.
  await new Promise<void>((resolve) => {
    for (const event of [ready, 'close']) {
      socket.once(event, () => {
        resolve();
      });
    }
  });
  const canReset = !(socket instanceof tls.TLSSocket) && socket.remoteAddress !== undefined;

  /** Returns at the next event of the connection, or after this time. */
  async function event(ms: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const happened = await new Promise<boolean>((resolve) => {
      wake = () => {
        resolve(true);
      };
      timer = setTimeout(resolve, ms, false);
    });
    clearTimeout(timer);
    return happened;
  }

  async function exchange({ pieces, methods, wanted, end }: Sent): Promise<Received> {
    state.chunks = [];
    for (const piece of pieces) {
      if (state.isClosed) break;
      socket.write(piece);
      if (pieces.length > 1) await sleep(1);
    }
    const read = () => readAnswers(Buffer.concat(state.chunks), methods, state.isClosed);
    const endsAt = performance.now() + deadlineMs;
    let found = read();
    const isDone = () =>
      state.isClosed ||
      (wanted !== undefined && found.answers.length >= wanted && end !== 'server');
    while (!isDone() && found.flaw === undefined && performance.now() < endsAt) {
      const happened = await event(wanted === undefined && end !== 'server' ? quietMs : 1000);
      found = read();
      if (!happened && wanted === undefined && end !== 'server' && !found.isPartial) break;
    }
    // Only plain TCP has a reset.
    if (end === 'reset' && canReset) socket.resetAndDestroy();
    else if (end === 'reset') socket.destroy();
    if (end === 'fin') socket.end();
    while (end !== 'keep' && !state.isClosed && performance.now() < endsAt) await event(1000);
    return { ...read(), isClosed: state.isClosed };
  }

  return {
    exchange,
    write: (text) => socket.write(text),
    isOpen: () => !state.isClosed,
    destroy: () => socket.destroy(),
  };
}
