import { gzipSync } from 'node:zlib';
import tls from 'node:tls';

import type { Target } from './asking.ts';

/** What became of a request whose body never ends well. */
export interface BodyOutcome {
  /** What was read; empty if the agent only hung up. */
  answer: string;
  /** Whether the agent hung up by itself, or answered a body that was sent to its end. */
  isEnded: boolean;
  /** Bytes that could be written until then. */
  sent: number;
}

export interface HostileBody {
  head: string;
  /** The next piece, or undefined if there is none. */
  next: () => Buffer | undefined;
  /** Milliseconds between two pieces. */
  everyMs?: number;
}

const chunked = 'Transfer-Encoding: chunked\r\n\r\n';
const megabyte = Buffer.alloc(1024 * 1024, '#');
const asChunk = (bytes: Buffer) =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);

/** Bodies that are endless, huge, slow, compressed or shorter than they say. */
export function hostileBodies(): Record<string, HostileBody> {
  const piece = asChunk(megabyte);
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
  const once = (bytes: Buffer) => {
    const pieces = [bytes];
    return () => pieces.pop();
  };
  return {
    endless: { head: chunked, next: () => piece },
    'of a gigabyte': { head: `Content-Length: ${1024 ** 3}\r\n\r\n`, next: () => megabyte },
    'of a gigabyte in small chunks': {
      head: chunked,
      next: () => asChunk(Buffer.alloc(1000, 'a')),
    },
    compressed: {
      head: `Content-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`,
      next: once(bomb),
    },
    'shorter than its length': {
      head: 'Content-Length: 1000\r\n\r\n',
      next: once(Buffer.from('global\n')),
    },
    slow: {
      head: 'Content-Length: 100000\r\n\r\n',
      next: () => Buffer.from('a'),
      everyMs: 500,
    },
    'in slow chunks': { head: chunked, next: () => asChunk(Buffer.from('a')), everyMs: 500 },
    'behind endless headers': {
      head: '',
      next: () => Buffer.from(`X-${'a'.repeat(1000)}: b\r\n`),
    },
    'behind slow headers': { head: '', next: () => Buffer.from('X-a: b\r\n'), everyMs: 500 },
    'with endless extensions of a chunk': {
      head: chunked,
      next: once(Buffer.from(`5;${'a'.repeat(1024 * 1024)}`)),
    },
  };
}

/** Sends such a body as the configuration of a load balancer, until the agent answers and hangs up. */
export function sendBody(
  { credentials, ...target }: Target,
  path: string,
  { head, next, everyMs }: HostileBody,
  deadlineMs: number,
): Promise<BodyOutcome> {
  return new Promise((resolve) => {
    const socket = tls.connect({ ...target, ...credentials });
    const seen: BodyOutcome = { answer: '', isEnded: false, sent: 0 };
    const state = { isOver: false, isSent: false };
    const end = (isEnded: boolean) => {
      if (state.isOver) return;
      state.isOver = true;
      clearTimeout(timer);
      socket.destroy();
      resolve({ ...seen, isEnded, sent: socket.bytesWritten });
    };
    const timer = setTimeout(() => {
      end(false);
    }, deadlineMs);
    const push = (): void => {
      if (state.isOver) return;
      const piece = next();
      if (piece === undefined) {
        state.isSent = true;
        return;
      }
      const isFree = socket.write(piece);
      if (everyMs !== undefined) setTimeout(push, everyMs);
      else if (isFree) setImmediate(push);
      else socket.once('drain', push);
    };
    socket.on('data', (bytes: Buffer) => {
      seen.answer += bytes.toString();
      if (state.isSent && seen.answer.endsWith('}')) end(true);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      end(true);
    });
    socket.write(`PUT ${path} HTTP/1.1\r\nHost: a\r\n${head}`);
    push();
  });
}
