import type { ClientRequest, IncomingMessage } from 'node:http';

import { setDeadline } from '../../kit/concurrency/deadline.ts';
import { Fault } from '../../kit/fault.ts';
import type { LiferaftFile } from '../format/liferaft-file.ts';

/** Bytes of one read from the disk and one write to the connection. Two such buffers are in use at a time. */
const pieceBytes = 1024 * 1024;
/** Max length of an answer. */
const maxAnswerLength = 64 * 1024;

/** What is needed of a liferaft to send it. */
export type Sendable = Pick<LiferaftFile, 'digest' | 'size' | 'readInto'>;

/** Sends a liferaft. While one piece is on its way, the next is read from the disk. */
export async function sendBody(
  request: ClientRequest,
  { size, readInto }: Sendable,
  offset: number,
  progress: () => void,
): Promise<void> {
  let [piece, spare] = [Buffer.allocUnsafe(pieceBytes), Buffer.allocUnsafe(pieceBytes)];
  // Node.js may never call back for a write to a request whose connection is gone.
  const closed = new Promise<never>((_resolve, reject) => {
    request.once('close', () => {
      reject(new Error('It was closed before all was sent.'));
    });
  });
  closed.catch(() => undefined);
  try {
    let reading = readInto(piece, offset);
    for (let at = offset; at < size;) {
      const bytes = await reading;
      const next = at + bytes;
      if (next < size) {
        reading = readInto(spare, next);
        // It is awaited later, if the piece before was sent.
        reading.catch(() => undefined);
      }
      await Promise.race([written(request, piece.subarray(0, bytes)), closed]);
      progress();
      [piece, spare] = [spare, piece];
      at = next;
    }
    request.end();
  } catch (error) {
    request.destroy(error as Error);
    throw error;
  }
}

function written(request: ClientRequest, piece: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    request.write(piece, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

export function answerOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    // Not once(): a connection may break in more than one way.
    request.on('error', reject);
    request.once('close', () => {
      reject(new Error('It was closed without an answer.'));
    });
  });
}

export async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  for await (const piece of response as AsyncIterable<string>) {
    text += piece;
    if (text.length > maxAnswerLength) throw new Error('The answer has no end.');
  }
  return text;
}

export interface RequestTimeout {
  deadlines: {
    /** Max time without progress. */
    stallMs: number;
    /** Max time in all. */
    allMs: number;
  };
  /** To be called on progress. */
  extend: () => void;
  /** The fault that it took too long; undefined if it did not. */
  fault(): Fault | undefined;
  end(): void;
}

export function startTimeout(
  name: string,
  deadlines: RequestTimeout['deadlines'],
  request: ClientRequest,
): RequestTimeout {
  let expired: number | undefined;
  const giveUp = (ms: number) => () => {
    expired = ms;
    request.destroy(new Error('It took too long.'));
  };
  const stall = setDeadline(deadlines.stallMs, giveUp(deadlines.stallMs));
  const all = setDeadline(deadlines.allMs, giveUp(deadlines.allMs));
  return {
    deadlines,
    extend: () => {
      stall.restart();
    },
    fault: () =>
      expired === undefined
        ? undefined
        : new Fault(
            'peer_unreachable',
            `${name} did not answer within ${expired / 1000} s. Check that it is up and reachable, and that ha-agent-peers runs there ('systemctl status ha-agent-peers').`,
          ),
    end() {
      stall.cancel();
      all.cancel();
    },
  };
}
