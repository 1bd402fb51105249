import type { ClientRequest, IncomingMessage } from 'node:http';

import { setDeadline } from '../../kit/concurrency/deadline.ts';
import { Fault } from '../../kit/fault.ts';
import type { LiferaftFile } from '../format/liferaft-file.ts';

/** Of one read of the disk and one write to the connection. Two of them are in use at a time. */
const pieceBytes = 1024 * 1024;
/** What is read of an answer. */
const maxAnswerLength = 64 * 1024;

/** What is sent of a liferaft. */
export type Sendable = Pick<LiferaftFile, 'digest' | 'size' | 'readInto'>;

/** Reads from the disk what comes next while the piece before is on its way. */
export async function sendBody(
  request: ClientRequest,
  { size, readInto }: Sendable,
  offset: number,
  progress: () => void,
): Promise<void> {
  let [piece, spare] = [Buffer.allocUnsafe(pieceBytes), Buffer.allocUnsafe(pieceBytes)];
  // Node.js may never call back for what was written to a request whose connection is gone.
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
        // It is waited for later, if the piece before gets away.
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
    // Not once: a connection may break in more than one way.
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
    /** For which nothing may happen. */
    stallMs: number;
    /** For all of it. */
    allMs: number;
  };
  /** Something happened. */
  extend: () => void;
  /** That it took too long, if it did. */
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
            `${name} did not answer within ${expired / 1000} s. Look whether it is up and its network is: ha-agent-peers has to run there ('systemctl status ha-agent-peers').`,
          ),
    end() {
      stall.cancel();
      all.cancel();
    },
  };
}
