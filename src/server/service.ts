import { Fault } from '../kit/fault.ts';
import type { Log } from '../kit/log.ts';

/** A service that is up. */
export interface Service {
  log: Log;
  /** The addresses that it listens on. */
  addresses: readonly string[];
  systemd: {
    ready(): Promise<void>;
    stopping(maxMs?: number): Promise<void>;
  };
  stop: () => Promise<unknown>;
  /** Milliseconds that `stop` takes at most, if that may be longer than systemd's TimeoutStopSec. */
  maxStopMs?: number;
}

/**
 * Starts a service, stops it on SIGTERM or SIGINT, and ends the process. Why it has not started is said in plain words
 * on stderr.
 */
export async function runService(name: string, start: () => Promise<Service>): Promise<never> {
  // Else `ps` and `top` would show the name of Node's main thread.
  process.title = name;
  // Nothing that the service makes, a Unix socket first of all, is anybody's but root's.
  process.umask(0o077);
  // From here on: systemd may send one as soon as it has heard that the service is ready, before ready() returns.
  const signalled = new Promise((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  let isUp = false;
  void signalled.then(() => {
    // Nothing is under way yet.
    if (!isUp) process.exit();
  });
  try {
    const { log, addresses, systemd, stop, maxStopMs } = await start();
    isUp = true;
    log.info({ addresses }, 'listening');
    await systemd.ready();

    const signal = await signalled;
    log.info({ signal }, 'stopping');
    await Promise.all([systemd.stopping(maxStopMs), stop()]);
    // A command that hangs would keep the process until its deadline; systemd ends it with the unit.
    process.exit();
  } catch (error) {
    const text =
      error instanceof Fault
        ? [error.message, error.command?.stderr].filter(Boolean).join('\n')
        : String((error as Error).stack);
    process.stderr.write(`${name}: ${text}\n`);
    // Not the exit code alone: an open door or crm_mon would keep the process, and systemd waiting.
    process.exit(1);
  }
}
