import type { Log } from '../../src/kit/log.ts';

/** A logged line: its fields and its level. */
export type LoggedLine = Record<string, unknown> & { level: string };

/** A log that keeps its lines. */
export function keepingLog(): { log: Log; lines: LoggedLine[] } {
  const lines: LoggedLine[] = [];
  const at = (level: string) => (fields: object) => {
    lines.push({ ...fields, level });
  };
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { log, lines };
}
