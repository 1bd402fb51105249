import { createConnection } from 'node:net';

import { setDeadline } from '../kit/concurrency/deadline.ts';

/** Limits of a question to haproxy. */
export interface AskLimits {
  /** Milliseconds until the connection is closed, whatever haproxy does. */
  deadlineMs: number;
  maxBytes?: number;
}

/** `show stat` of 500 listeners with two members each takes 1 MB. */
const maxBytesOfAnswer = 32 * 1024 * 1024;

/**
 * Sends one command to a socket of haproxy and reads until haproxy closes the connection (management.txt, section 9.3).
 * @param path of a stats socket or of a master's socket
 * @returns the answer; undefined if nobody listens, or haproxy hangs, or the answer is too long
 */
export async function askSocket(
  path: string,
  command: string,
  { deadlineMs, maxBytes = maxBytesOfAnswer }: AskLimits,
): Promise<string | undefined> {
  const socket = createConnection({ path });
  const pieces: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve) => {
    const end = (answer: string | undefined): void => {
      deadline.cancel();
      socket.destroy();
      resolve(answer);
    };
    const deadline = setDeadline(deadlineMs, () => {
      end(undefined);
    });
    socket.on('data', (piece: Buffer) => {
      bytes += piece.length;
      pieces.push(piece);
      if (bytes > maxBytes) end(undefined);
    });
    socket.on('error', () => {
      end(undefined);
    });
    socket.on('end', () => {
      end(Buffer.concat(pieces).toString('utf8'));
    });
    // The socket of a master answers only after the other side has ended its own part.
    socket.end(`${command}\n`);
  });
}

/** What `show info` says of the process that answers. */
export interface WorkerInfo {
  pid: number;
  uptimeSeconds: number;
}

/** Asks a stats socket which worker answers. @returns undefined if none does */
export async function askWorker(path: string, limits: AskLimits): Promise<WorkerInfo | undefined> {
  return workerIn((await askSocket(path, 'show info', limits)) ?? '');
}

function workerIn(info: string): WorkerInfo | undefined {
  const pid = /^Pid: (\d+)$/m.exec(info)?.[1];
  const uptime = /^Uptime_sec: (\d+)$/m.exec(info)?.[1];
  return pid === undefined ? undefined : { pid: Number(pid), uptimeSeconds: Number(uptime ?? 0) };
}

/**
 * Asks a master how many of its reloads have failed since the last one that did not (`show proc`).
 * @returns undefined if it does not answer or is older than 2.5, which does not count them
 */
export async function askFailedReloads(
  path: string,
  limits: AskLimits,
): Promise<number | undefined> {
  const text = (await askSocket(path, 'show proc', limits)) ?? '';
  const failed = /^\d+ +master +\d+ +\[failed: (\d+)\]/m.exec(text)?.[1];
  return failed === undefined ? undefined : Number(failed);
}
