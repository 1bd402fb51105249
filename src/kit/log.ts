import { pino } from 'pino';

import type { KnownSecrets } from './secrets/known-secrets.ts';

export type Log = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error'>;
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/**
 * Writes JSON lines to stdout, from where systemd takes them into the journal.
 * @param secrets values that are masked in each line
 */
export function makeLog(level: LogLevel, secrets?: KnownSecrets): Log {
  return pino({
    level,
    // The journal knows the host and the process. The level is logged by name, not by pino's number.
    base: null,
    formatters: { level: (label) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
    ...(secrets && {
      hooks: {
        streamWrite: (line) => `${JSON.stringify(secrets.maskJson<unknown>(JSON.parse(line)))}\n`,
      },
    }),
  });
}
