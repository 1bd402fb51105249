import { Fault } from '../kit/fault.ts';
import type { Log } from '../kit/log.ts';

/** A running service. */
export interface Service {
  log: Log;
  /** The addresses that it listens on. */
  addresses: readonly string[];
  systemd: {
    ready(): Promise<void>;
    stopping(maxMs?: number): Promise<void>;
  };
  stop: () => Promise<unknown>;
  /** The max number of milliseconds of `stop`, if that may exceed systemd's TimeoutStopSec. */
  maxStopMs?: number;
}

/**
 * Starts a service, stops it on SIGTERM or SIGINT, and ends the process. If the service cannot start, the reason is
 * printed on stderr.
 */
export async function runService(name: string, start: () => Promise<Service>): Promise<never> {
  // Otherwise `ps` and `top` would show the name of Node.js's main thread.
  process.title = name;
  // Everything that the service creates, such as a Unix socket, must belong to root alone.
  process.umask(0o077);
  // Signals are handled from here on. systemd may send one right after the service has reported that it is ready,
  // before ready() returns.
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
    // A hanging command would keep the process until its deadline. systemd kills it together with the unit.
    process.exit();
  } catch (error) {
    const text =
      error instanceof Fault
        ? [error.message, error.command?.stderr].filter(Boolean).join('\n')
        : String((error as Error).stack);
    process.stderr.write(`${name}: ${text}\n`);
    // Setting the exit code is not enough: an open listener or crm_mon would keep the process, and systemd waiting.
    process.exit(1);
  }
}
