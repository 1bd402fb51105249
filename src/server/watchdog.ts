import { setTimeout as sleep } from 'node:timers/promises';

import type { Resident, StartResident } from '../kit/exec.ts';
import type { Log } from '../kit/log.ts';

/** Kills this process if its event loop hangs, so that systemd restarts it. */
export interface Watchdog {
  stop(): void;
}

export interface WatchdogOptions {
  /** The watchdog's program (packaging/watchdog). */
  program?: string;
  /** Milliseconds between two signs of life. */
  signMs?: number;
  /** A sign must come within this number of waits, each of this many seconds. */
  ticks?: number;
  tickSeconds?: number;
  /** Milliseconds until a watchdog that ended is started again. */
  pauseMs?: number;
}

/**
 * Starts the watchdog, a separate process. After 120 s without a sign of life from this event loop, it writes a line to
 * the journal and kills this process. systemd's own watchdog uses the clock. After a standstill of the machine longer
 * than that time, it would kill every service.
 */
export function startWatchdog(
  startResident: StartResident,
  log: Log,
  {
    program = '/usr/lib/ha-agent/watchdog',
    signMs = 5000,
    ticks = 12,
    tickSeconds = 10,
    pauseMs = 60_000,
  }: WatchdogOptions = {},
): Watchdog {
  const stopping = new AbortController();
  const argv = [program, process.pid, ticks, tickSeconds].map(String) as [string, ...string[]];
  let resident: Resident | undefined;

  async function keepRunning(): Promise<never> {
    for (;;) {
      resident = startResident(argv, { attended: true });
      await resident.ended;
      stopping.signal.throwIfAborted();
      log.error({ program }, 'the watchdog ended; it is started again');
      await sleep(pauseMs, undefined, { signal: stopping.signal });
    }
  }

  const signs = setInterval(() => {
    resident?.write('.');
  }, signMs);
  // Only stop() ends it.
  keepRunning().catch(() => undefined);
  return {
    stop() {
      stopping.abort();
      clearInterval(signs);
      resident?.stop();
    },
  };
}
