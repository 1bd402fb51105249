import type { KeepalivedProcess } from '../keepalived/state.ts';
import type { PresentInterface } from '../netlink/present.ts';
import type { VrrpInstance } from '../parsers/keepalived/dump.ts';
import { makeSinceTransitions } from './since.ts';

/** What keepalived is and says. */
export interface KeepalivedAnswer {
  pid: number | undefined;
  stopped: readonly number[];
  instances: readonly VrrpInstance[] | undefined;
  /** Whether it was asked just now. */
  isFresh: boolean;
}

/** What its FIFO lets expect. */
export interface Expected {
  /** Whether something has changed. */
  isHinted: boolean;
  /** Whether each instance has stopped. */
  isStopping: boolean;
}

/** keepalived logs a line for each question. So it is asked rarely while nothing shows that something changed. */
const restMs = 5000;
/** A keepalived that has stopped its instances lives on for a second, and answers no more (2.1.5, 2.2.7 and 2.3.3). */
const stoppingMs = 100;
/** So long after such a sign it is asked each time. */
const restlessMs = 3000;

/**
 * Makes a function that asks keepalived when there is a sign of a change, and now and then without one. Signs are a
 * line in its FIFO, another process, one that is stopped, another address on an interface.
 * @param now a monotonic clock in milliseconds
 */
export function makeAsking(
  keepalived: KeepalivedProcess,
  now: () => number = () => performance.now(),
): (
  interfaces: ReadonlyMap<string, PresentInterface>,
  expected: Expected,
) => Promise<KeepalivedAnswer> {
  const sinceTransitions = makeSinceTransitions();
  let signs = '';
  let signAt = -Infinity;
  let last: { at: number; instances: readonly VrrpInstance[] | undefined } | undefined;
  return async (interfaces, { isHinted, isStopping }) => {
    const processes = await keepalived.processes();
    const present = JSON.stringify([processes, ...interfaces.values()]);
    if (isHinted || present !== signs) signAt = now();
    signs = present;
    const isQuiet = now() - signAt > restlessMs && last?.instances !== undefined;
    const pid = processes[0]?.pid;
    const isFresh = last === undefined || !isQuiet || now() - last.at >= restMs;
    if (last === undefined || isFresh) {
      const at = now();
      const maxMs = isStopping ? stoppingMs : undefined;
      last = { at, instances: sinceTransitions(pid, await keepalived.instances(maxMs)) };
    }
    const stopped = processes.flatMap((each) => (each.isStopped ? [each.pid] : []));
    return { pid, stopped, instances: last.instances, isFresh };
  };
}
