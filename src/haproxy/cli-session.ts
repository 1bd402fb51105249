import { connect } from 'node:net';

import { setDeadline } from '../kit/concurrency/deadline.ts';
import { makeSerializer } from '../kit/concurrency/serialize.ts';

/**
 * A connection to the command line of one haproxy worker. It stays with that worker when a reload replaces it, and the
 * worker does not end while it is open (measured on 2.6).
 */
export interface CliSession {
  /** The answer without the prompt. Rejects if there is none in time; the session is closed then. */
  ask(command: string): Promise<string>;
  /** The same for an answer of many lines. `take` gets it in pieces, and its last line is the prompt without a line break. */
  read(command: string, take: (piece: string) => void): Promise<void>;
  isOpen(): boolean;
  close(): void;
}

export interface CliSessionOptions {
  /** Milliseconds until an answer is given up. */
  deadlineMs: number;
  /** Seconds without a command after which haproxy closes the session, as when the agent hangs. */
  idleSeconds: number;
}

/** What ends each answer in the interactive mode (haproxy's management.txt, section 9.3, `prompt`). */
const prompt = '\n> ';

/**
 * Opens a session on a stats socket.
 * @param path of the socket
 * Rejects with the system's error if nothing listens there, or if haproxy does not answer in time.
 */
export async function openCliSession(
  path: string,
  { deadlineMs, idleSeconds }: CliSessionOptions,
): Promise<CliSession> {
  const socket = connect(path);
  socket.setEncoding('latin1');
  socket.unref();
  let waiting:
    | { take: (piece: string) => void; resolve: () => void; reject: (error: Error) => void }
    | undefined;
  /** The end of what came, because the prompt may come in pieces. */
  let tail = '';
  const end = (error: Error) => {
    socket.destroy();
    waiting?.reject(error);
    waiting = undefined;
  };
  socket.on('error', end);
  socket.on('close', () => {
    end(new Error('haproxy closed the session'));
  });
  socket.on('data', (chunk) => {
    const piece = String(chunk);
    waiting?.take(piece);
    tail = (tail + piece.slice(-prompt.length)).slice(-prompt.length);
    if (tail !== prompt) return;
    tail = '';
    waiting?.resolve();
    waiting = undefined;
  });

  const serialize = makeSerializer();
  const read = (command: string, take: (piece: string) => void) =>
    serialize(async () => {
      if (socket.destroyed) throw new Error('haproxy closed the session');
      const deadline = setDeadline(deadlineMs, () => {
        end(new Error(`haproxy gave no answer in ${deadlineMs / 1000} s`));
      });
      try {
        await new Promise<void>((resolve, reject) => {
          waiting = { take, resolve, reject };
          socket.write(`${command}\n`);
        });
      } finally {
        deadline.cancel();
      }
    });
  const ask = async (command: string) => {
    let answer = '';
    await read(command, (piece) => (answer += piece));
    return answer.slice(0, -prompt.length);
  };
  await ask('prompt');
  await ask(`set timeout cli ${idleSeconds}`);
  return {
    ask,
    read,
    isOpen: () => !socket.destroyed,
    close: () => {
      socket.destroy();
    },
  };
}
