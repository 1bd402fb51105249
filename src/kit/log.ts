import { pino } from 'pino';

import type { KnownSecrets } from './secrets/known-secrets.ts';

export type Log = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error'>;
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/**
 * JSON lines on stdout, from where systemd takes them into the journal.
 * @param secrets are masked in them
 */
export function makeLog(level: LogLevel, secrets?: KnownSecrets): Log {
  return pino({
    level,
    // The journal knows the host and the process; a level by name can be read without a table.
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
