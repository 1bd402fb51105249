import { constants } from 'node:os';

import { warn } from './print.ts';

/** Decides whether a signal (Ctrl-C) may end the process. */
export interface Signals {
  /**
   * Runs work that a signal must not interrupt. The first signal only prints that the work goes on; a second one ends
   * the process.
   */
  holdOff<T>(work: () => Promise<T>): Promise<T>;
}

/** SIGHUP too, because a restore may itself cut the connection of the person who runs it. */
const ending = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Listens for the signals that end a process, and prints what was ended. */
export function listenForSignals(): Signals {
  let held = 0;
  let wasHeldOff = false;

  for (const signal of ending) {
    process.on(signal, () => {
      if (held > 0 && !wasHeldOff) {
        wasHeldOff = true;
        warn('A change is under way and will be completed. A second signal ends it half way.');
        return;
      }
      warn(
        held > 0
          ? "The change was ended half way. 'hactl audit' shows what was begun; the next restore or undo takes back an unfinished restore."
          : `${signal} ended hactl, and nothing was changed on this host.`,
      );
      dieOf(signal);
    });
  }

  return {
    async holdOff(work) {
      held += 1;
      try {
        return await work();
      } finally {
        held -= 1;
      }
    },
  };
}

/**
 * Unlike process.exit(), this does not wait for a call that hangs in the kernel. A shell then sees 128 plus the signal.
 */
function dieOf(signal: (typeof ending)[number]): void {
  process.exitCode = 128 + constants.signals[signal];
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
