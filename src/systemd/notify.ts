import type { Run } from '../exec.ts';
import type { Log } from '../log.ts';

/** Tells systemd how this service is doing (sd_notify(3)); without systemd it does nothing. */
export interface SystemdNotifier {
  ready(): Promise<void>;
  stopping(): Promise<void>;
}

/**
 * Node has no datagram sockets of the Unix family, so systemd-notify(1) speaks for us; the unit needs
 * `NotifyAccess=all`. Once ready, a sign of life goes out twice in each watchdog interval: it stops
 * when the event loop hangs, and systemd then restarts the agent.
 * @param environment NOTIFY_SOCKET and WATCHDOG_USEC (microseconds) are read from it
 */
export function makeSystemdNotifier(
  run: Run,
  environment: NodeJS.ProcessEnv,
  log: Log,
): SystemdNotifier {
  const socket = environment['NOTIFY_SOCKET'];
  const watchdogMs = Number(environment['WATCHDOG_USEC'] ?? 0) / 1000;
  let watchdog: NodeJS.Timeout | undefined;

  async function notify(message: string): Promise<void> {
    if (socket === undefined) return;
    try {
      const env = { NOTIFY_SOCKET: socket };
      const { exitCode, stderr } = await run({
        argv: ['systemd-notify', message],
        env,
        deadlineMs: 5000,
      });
      if (exitCode !== 0) log.warn({ message, exitCode, stderr }, 'systemd was not told');
    } catch {
      // The runner has logged it, and systemd will miss the message by itself.
    }
  }

  return {
    async ready() {
      await notify('READY=1');
      if (watchdogMs > 0) watchdog = setInterval(() => void notify('WATCHDOG=1'), watchdogMs / 2);
    },
    async stopping() {
      clearInterval(watchdog);
      await notify('STOPPING=1');
    },
  };
}
