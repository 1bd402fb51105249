import { setTimeout as pause } from 'node:timers/promises';

import type { Log } from '../../kit/log.ts';
import { makeChangeDetector } from '../../kit/log-changes.ts';
import type { CounterFile } from './counter-file.ts';
import type { CounterState } from './counters.ts';

/** A disk that hangs holds up no heartbeat for longer. */
const maxWriteMs = 1000;

/**
 * Makes a function that writes the state of the counters. One write runs at a time, and a later state replaces one that
 * waits. A failure is logged when it begins and when it is over.
 * @returns when the state is on the disk, or could not be written, or the disk has taken longer than a second
 */
export function makeSaver(file: CounterFile, log: Log): (state: CounterState) => Promise<void> {
  const isNews = makeChangeDetector();
  let waiting: CounterState | undefined;
  let running: Promise<void> | undefined;

  async function writeAll(): Promise<void> {
    while (waiting) {
      const state = waiting;
      waiting = undefined;
      const problem = await file.write(state).then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
      if (!isNews('write', problem)) continue;
      if (problem === undefined) log.info({}, 'the counters of the heartbeats are stored again');
      else log.warn({ problem }, 'the counters of the heartbeats could not be stored');
    }
    running = undefined;
  }

  return async (state) => {
    waiting = state;
    running ??= writeAll();
    await Promise.race([running, pause(maxWriteMs, undefined, { ref: false })]);
  };
}
