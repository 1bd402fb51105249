import { constants } from 'node:os';

import { warn } from './print.ts';

/** Decides what a signal (Ctrl-C) may end. */
export interface Signals {
  /**
   * Does something that a signal must not end half way: the first one is told that it goes on to its end, and only a
   * second one ends it.
   */
  holdOff<T>(work: () => Promise<T>): Promise<T>;
}

/** A hangup too, for a restore may itself cut the connection that it is watched over. */
const ending = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Listens for the signals that end a program, and says what they ended. */
export function listenForSignals(): Signals {
  let held = 0;
  let wasHeldOff = false;

  for (const signal of ending) {
    process.on(signal, () => {
      if (held > 0 && !wasHeldOff) {
        wasHeldOff = true;
        warn('A change is under way and goes on to its end. A second signal ends it half way.');
        return;
      }
      warn(
        held > 0
          ? "It was ended half way. 'hactl audit' shows what was begun; the next restore or undo takes back a restore that was not finished."
          : `It was ended by ${signal}. Nothing was changed on this host.`,
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

/** Not process.exit(), which would wait for a call that hangs in the kernel. The shell has 128 and the signal's number. */
function dieOf(signal: (typeof ending)[number]): void {
  process.exitCode = 128 + constants.signals[signal];
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
