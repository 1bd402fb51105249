import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { waitUntil } from '../lab/wait.ts';
import { type Ask, type AskEvent, type AskPlan, now } from './asks.ts';

/** A client that runs. It ends with this process at the latest. */
export interface Asking {
  /** Waits until one host has answered all questions of the last `ms`. @returns its name */
  steady(what: string, isBy: (name: string) => boolean, ms: number): Promise<string>;
  /** The questions from one time to another, in their order. They are decided, so `to` should be some time ago. */
  asks(from: number, to: number): Ask[];
  /** The worst lateness of the witness in a span of time, in milliseconds. */
  lateness(from: number, to: number): number;
  stop(): Promise<void>;
}

/** With 200 questions a second, these are the last five minutes. */
const maxEvents = 60_000;

export function startAsking(plan: AskPlan): Asking {
  const script = join(import.meta.dirname, 'asker.ts');
  const child = spawn(
    'nice',
    [
      // What measures must not wait for what is measured.
      ...['--adjustment=-10', process.execPath, '--import', import.meta.resolve('tsx')],
      ...[script, JSON.stringify(plan)],
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const events: AskEvent[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    events.push(JSON.parse(line) as AskEvent);
    if (events.length > maxEvents) events.splice(0, maxEvents / 2);
  });
  const ended = once(child, 'close');
  const asks = (from: number, to: number): Ask[] =>
    events
      .filter((each): each is Ask => each.kind === 'ask' && each.start >= from && each.start < to)
      .toSorted((one, other) => one.start - other.start);
  return {
    asks,
    async steady(what, isBy, ms) {
      const since = now();
      let name = '';
      await waitUntil(
        what,
        () => {
          const end = now() - plan.timeoutMs;
          const recent = asks(end - ms, end);
          name = recent[0]?.by ?? '';
          return end - ms >= since && isBy(name) && recent.every(({ by }) => by === name);
        },
        { everyMs: 25 },
      );
      return name;
    },
    lateness: (from, to) =>
      Math.max(
        0,
        ...events.flatMap((each) =>
          each.kind === 'late' && each.at >= from && each.at - each.ms <= to ? [each.ms] : [],
        ),
      ),
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}

/** A time without an answer. */
export interface Gap {
  ms: number;
  unanswered: number;
  /** When the last one of them ended. */
  end: number;
}

/** The sum of the times from each first question without an answer to the next one with an answer. */
export function gapOf(asks: readonly Ask[]): Gap {
  const gap = { ms: 0, unanswered: 0, end: asks[0]?.start ?? 0 };
  let since: number | undefined;
  for (const { start, by } of asks) {
    if (by === null) {
      gap.unanswered += 1;
      since ??= start;
    } else if (since !== undefined) {
      gap.ms += start - since;
      gap.end = start;
      since = undefined;
    }
  }
  if (since !== undefined) gap.ms += (asks.at(-1)?.start ?? since) - since;
  return gap;
}
