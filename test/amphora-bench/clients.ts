import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { placeName } from '../lab/places.ts';
import { waitUntil } from '../lab/wait.ts';
import { type LoadEvent, type LoadPlan, now } from './load-events.ts';

export type Request = Extract<LoadEvent, { end: number }>;

/** Clients that run. They end with this process at the latest. */
export interface Clients {
  /** What happened so far. */
  readonly events: readonly LoadEvent[];
  /** Lets the clients finish what they began. */
  stop(): Promise<readonly LoadEvent[]>;
}

/** Starts clients in the lab's network of clients. */
export function startClients(lab: { readonly name: string }, plan: LoadPlan): Clients {
  const script = join(import.meta.dirname, 'load.ts');
  const child = spawn(
    'nice',
    [
      // What measures must not wait for what is measured.
      ...['--adjustment=-10', 'ip', 'netns', 'exec', placeName(lab, 'client')],
      ...[process.execPath, '--import', import.meta.resolve('tsx'), script, JSON.stringify(plan)],
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const events: LoadEvent[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => events.push(JSON.parse(line) as LoadEvent));
  const ended = once(child, 'close');
  return {
    events,
    async stop() {
      child.stdin.end();
      await ended;
      if (child.exitCode !== 0) throw new Error(`The clients ended with ${child.exitCode}.`);
      return events;
    },
  };
}

/** The requests of one kind in the order of their starts. */
export function requestsOf(events: readonly LoadEvent[], kind: Request['kind']): Request[] {
  const found = events.filter((event): event is Request => event.kind === kind);
  return found.toSorted((a, b) => a.start - b.start);
}

/** A time in which no request succeeded. */
export interface Gap {
  start: number;
  /** When the first request began that succeeded; undefined if none did. */
  end: number | undefined;
  failed: number;
}

/** The gaps in requests that are sorted by their starts. */
export function gapsOf(requests: readonly Request[]): Gap[] {
  const gaps: Gap[] = [];
  let open: Gap | undefined;
  for (const { start, failure } of requests) {
    if (failure === undefined) {
      if (open) open.end = start;
      open = undefined;
    } else if (open) {
      open.failed += 1;
    } else {
      open = { start, end: undefined, failed: 1 };
      gaps.push(open);
    }
  }
  return gaps;
}

/** Waits until the clients have been served for a second without a failure, since a time of the monotonic clock. */
export async function serves({ events }: Pick<Clients, 'events'>, since: number): Promise<void> {
  await waitUntil(
    'a second without a failure',
    () => {
      const recent = requestsOf(events, 'new').filter(
        ({ start }) => start > Math.max(since, now() - 2000),
      );
      const last = recent.findLastIndex(({ failure }) => failure !== undefined);
      const good = recent.slice(last + 1);
      return (good.at(-1)?.start ?? 0) - (good[0]?.start ?? 0) > 1000;
    },
    { everyMs: 50 },
  );
}

/** The worst lateness of the witness in a span of time, in milliseconds. */
export function lateness(events: readonly LoadEvent[], from: number, to: number): number {
  return Math.max(
    0,
    ...events.flatMap((event) =>
      event.kind === 'late' && event.at >= from && event.at - event.ms <= to ? [event.ms] : [],
    ),
  );
}
