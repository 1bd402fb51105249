import { pino } from 'pino';

export type Log = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error'>;
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** JSON lines on stdout, from where systemd takes them into the journal. */
export function makeLog(level: LogLevel): Log {
  return pino({
    level,
    // The journal knows the host and the process; a level by name can be read without a table.
    base: null,
    formatters: { level: (label) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
  });
}
