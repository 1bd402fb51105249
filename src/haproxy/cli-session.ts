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

/** The prompt may come in pieces. */
function endsWithPrompt(pieces: readonly string[]): boolean {
  let tail = '';
  for (let index = pieces.length - 1; index >= 0 && tail.length < prompt.length; index -= 1) {
    tail = (pieces[index] ?? '') + tail;
  }
  return tail.endsWith(prompt);
}

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
  let received: string[] = [];
  let waiting: { resolve: (answer: string) => void; reject: (error: Error) => void } | undefined;
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
    received.push(String(chunk));
    if (!endsWithPrompt(received)) return;
    const answer = received.join('').slice(0, -prompt.length);
    received = [];
    waiting?.resolve(answer);
    waiting = undefined;
  });

  const serialize = makeSerializer();
  const ask = (command: string) =>
    serialize(async () => {
      if (socket.destroyed) throw new Error('haproxy closed the session');
      const deadline = setDeadline(deadlineMs, () => {
        end(new Error(`haproxy gave no answer in ${deadlineMs / 1000} s`));
      });
      try {
        return await new Promise<string>((resolve, reject) => {
          waiting = { resolve, reject };
          socket.write(`${command}\n`);
        });
      } finally {
        deadline.cancel();
      }
    });
  await ask('prompt');
  await ask(`set timeout cli ${idleSeconds}`);
  return {
    ask,
    isOpen: () => !socket.destroyed,
    close: () => {
      socket.destroy();
    },
  };
}
