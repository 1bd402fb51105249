import * as z from 'zod';

import { askService } from '../../kit/ask-service.ts';
import { Fault, systemErrorCode } from '../../kit/fault.ts';
import type { DaemonStatus } from './daemon-status.ts';

export const daemonRoutes = { status: '/status', sync: '/sync' } as const;

/** Asks the sender that runs on this host, by its Unix socket. */
export interface DaemonClient {
  /** Faults: `alphorn_not_running`, `alphorn_unresponsive` */
  status(): Promise<DaemonStatus>;
  /**
   * Makes the sender look for changes and try all destinations now.
   * @returns its status when all were tried, or after half a minute
   * Faults: `alphorn_not_running`, `alphorn_unresponsive`
   */
  sync(): Promise<DaemonStatus>;
}

const statusMs = 5000;
/** The sender itself answers after 30 s. */
const syncMs = 40_000;

/** The fields that readers of an answer need. Other fields are passed on. */
const answer = z.looseObject({
  running: z.literal(true),
  destinations: z.array(z.looseObject({ destination: z.string(), state: z.string() })),
  liferaft: z
    .looseObject({ leftOut: z.array(z.looseObject({ path: z.string(), why: z.string() })) })
    .nullish(),
  host: z.looseObject({ id: z.string(), name: z.string() }).nullish(),
  error: z.looseObject({ code: z.string(), detail: z.string() }).nullish(),
});

/** @param socket the path of the sender's socket */
export function makeDaemonClient(socket: string): DaemonClient {
  async function ask(
    method: 'GET' | 'POST',
    path: string,
    deadlineMs: number,
  ): Promise<DaemonStatus> {
    try {
      const text = await askService(socket, path, deadlineMs, method);
      return answer.parse(JSON.parse(text)) as unknown as DaemonStatus;
    } catch (error) {
      throw faultOf(error);
    }
  }
  return {
    status: () => ask('GET', daemonRoutes.status, statusMs),
    sync: () => ask('POST', daemonRoutes.sync, syncMs),
  };
}

function faultOf(error: unknown): unknown {
  const code = systemErrorCode(error);
  // A caller without permission gets the system's own error, because that caller cannot tell whether Alphorn runs.
  if (code === 'EACCES') return error;
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return new Fault(
      'alphorn_not_running',
      "Alphorn does not run on this host, so nothing is sent from here. The cluster starts it where its resource is active ('pcs status'); 'systemctl status alphorn' says more.",
    );
  }
  const isUnreadable = error instanceof z.ZodError || error instanceof SyntaxError;
  const why = isUnreadable ? 'Its answer cannot be read.' : (error as Error).message;
  return new Fault(
    'alphorn_unresponsive',
    `Alphorn runs on this host and does not answer as it should: ${why.replace(/\.?$/, '.')} 'journalctl -u alphorn' says more; 'crm_resource --restart --resource Alphorn' restarts it.`,
  );
}
