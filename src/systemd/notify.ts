import { setTimeout as sleep } from 'node:timers/promises';

import type { Run } from '../kit/exec.ts';
import type { Log } from '../kit/log.ts';

/** Notifies systemd of this service's state (sd_notify(3)); does nothing without systemd. */
export interface SystemdNotifier {
  /** Repeats the message until systemd has it: without it, systemd ends the service after its TimeoutStartSec. */
  ready(): Promise<void>;
  /** @param maxMs max number of milliseconds for stopping, if they may exceed the unit's TimeoutStopSec */
  stopping(maxMs?: number): Promise<void>;
}

const maxAttempts = 60;

/**
 * Node.js has no datagram sockets of the Unix family, so systemd-notify(1) sends the messages; the unit needs
 * `NotifyAccess=all`.
 * @param environment NOTIFY_SOCKET is read from it
 * @param pauseMs milliseconds between two attempts
 */
export function makeSystemdNotifier(
  run: Run,
  environment: NodeJS.ProcessEnv,
  log: Log,
  pauseMs = 1000,
): SystemdNotifier {
  const socket = environment['NOTIFY_SOCKET'];

  /** @returns whether systemd has the message */
  async function notify(message: string): Promise<boolean> {
    if (socket === undefined) return true;
    try {
      const env = { NOTIFY_SOCKET: socket };
      const { exitCode, stderr } = await run({
        argv: ['systemd-notify', message],
        env,
        deadlineMs: 5000,
      });
      if (exitCode !== 0) log.warn({ message, exitCode, stderr }, 'systemd was not notified');
      return exitCode === 0;
    } catch {
      // The runner has logged it.
      return false;
    }
  }

  return {
    async ready() {
      for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
        if (await notify('READY=1')) return;
        await sleep(pauseMs);
      }
    },
    async stopping(maxMs) {
      await notify('STOPPING=1');
      // Adds some time for the messages themselves.
      if (maxMs !== undefined) await notify(`EXTEND_TIMEOUT_USEC=${(maxMs + 10_000) * 1000}`);
    },
  };
}
