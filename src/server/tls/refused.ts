import type https from 'node:https';
import type { TLSSocket } from 'node:tls';

import { plainAddress } from '../../kit/addresses.ts';
import { systemErrorCode } from '../../kit/fault.ts';
import { makeLogLimit } from '../../kit/log-limit.ts';
import type { Log } from '../../kit/log.ts';

// A refused caller is logged at most once a minute.
const repeatAfterMs = 60_000;

/**
 * Logs the callers whose TLS handshake fails.
 * @param port the port for readers, such as `peer port`
 * @param reasonOf a sentence that says why
 */
export function logRefused(
  server: https.Server,
  port: string,
  reasonOf: (error: Error, socket: TLSSocket) => string,
  log: Log,
): void {
  const isDue = makeLogLimit({ repeatAfterMs });
  server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
    const { remoteAddress } = socket;
    const from = remoteAddress === undefined ? undefined : plainAddress(remoteAddress);
    const reason = reasonOf(error, socket);
    if (!isDue(`${from ?? ''} ${systemErrorCode(error) ?? ''} ${reason}`)) return;
    log.warn({ from, reason }, `refused a caller on the ${port}`);
  });
}
