import http from 'node:http';

import { Fault, systemErrorCode } from '../errors.ts';
import type { DaemonStatus } from './daemon-status.ts';

export const daemonRoutes = { status: '/status', sync: '/sync' } as const;

/** Asks the sender that runs on this host, by its Unix socket. */
export interface DaemonClient {
  /** Faults: `alphorn_not_running` */
  status(): Promise<DaemonStatus>;
  /**
   * Has it look for changes and try all destinations now.
   * @returns how it is doing when all were tried, or after half a minute
   * Faults: `alphorn_not_running`
   */
  sync(): Promise<DaemonStatus>;
}

const statusMs = 5000;
/** The sender itself answers after 30 s. */
const syncMs = 40_000;

/** @param socket that it listens on */
export function makeDaemonClient(socket: string): DaemonClient {
  async function ask(method: string, path: string, deadlineMs: number): Promise<DaemonStatus> {
    try {
      // What answers is our own.
      return JSON.parse(await textOf(socket, method, path, deadlineMs)) as DaemonStatus;
    } catch (error) {
      throw notRunning(error);
    }
  }
  return {
    status: () => ask('GET', daemonRoutes.status, statusMs),
    sync: () => ask('POST', daemonRoutes.sync, syncMs),
  };
}

function textOf(
  socketPath: string,
  method: string,
  path: string,
  deadlineMs: number,
): Promise<string> {
  return new Promise((resolve, reject) => {
    // A connection of its own, for it is asked seldom.
    const request = http.request({ socketPath, method, path, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (text += piece));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`It answers ${response.statusCode ?? '?'}: ${text}`));
      });
    });
    const patience = setTimeout(() => {
      request.destroy(new Error(`It did not answer within ${deadlineMs / 1000} s.`));
    }, deadlineMs);
    request.on('error', reject);
    request.on('close', () => {
      clearTimeout(patience);
    });
    request.end();
  });
}

function notRunning(error: unknown): Fault {
  const code = systemErrorCode(error);
  const isDown = code === 'ENOENT' || code === 'ECONNREFUSED';
  const why = isDown ? '' : ` It is there, but: ${(error as Error).message}`;
  return new Fault(
    'alphorn_not_running',
    `Alphorn does not run on this host, so nothing is sent from here.${why} The cluster starts it where its resource is active ('pcs status'); 'systemctl status alphorn' says more.`,
  );
}
