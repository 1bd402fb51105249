import { systemErrorCode } from '../../kit/fault.ts';
import type { Log } from '../../kit/log.ts';
import { makeChangeDetector } from '../../kit/log-changes.ts';
import type { Controller, Datagrams } from './datagrams.ts';
import { type Envelope, maxDatagramBytes } from './envelope.ts';
import type { BeatVersion } from './payload.ts';

/** The keys of the agent's configuration that count from the next heartbeat on. */
export interface BeatSettings {
  controllers: readonly Controller[];
  key: string;
  intervalMs: number;
}

/** The last heartbeat that was sent. */
export interface LastBeat {
  at: Date;
  /** `HOST:PORT`, an IPv6 address in brackets. */
  to: string;
  seq: number;
  version: BeatVersion;
  bytes: number;
}

/** Changes that follow each other without a pause must not hold up heartbeats for ever. */
const maxMakings = 5;

/** What becomes of a heartbeat, for the metrics. `silent` was not made, because mayBeat gave a reason. */
export type BeatResult = 'sent' | 'failed' | 'too_large' | 'silent';

/** A heartbeat that was made; `done` learns whether it was sent. */
export interface MadeBeat {
  envelope: Envelope;
  seq: number;
  version: BeatVersion;
  /** Whether nothing has changed since it was made. */
  isCurrent: () => boolean;
  done: (isSent: boolean) => Promise<void>;
}

export interface BeatSenderParts {
  /** @returns why there must be no heartbeat now, or undefined */
  mayBeat: () => Promise<string | undefined>;
  make: (key: string) => Promise<MadeBeat>;
  datagrams: Datagrams;
  log: Log;
  count: (result: BeatResult) => void;
}

export interface BeatSender {
  start(): void;
  /** Fulfilled when no heartbeat is under way any more. */
  stop(): Promise<void>;
  reconfigure(settings: BeatSettings): void;
  last(): LastBeat | undefined;
  /** Why no heartbeat was sent after the last one; undefined if all is well, or no controller is configured. */
  problem(): string | undefined;
}

/**
 * Sends a heartbeat each interval to one controller in turn.
 *
 * INVARIANTS
 * - Two heartbeats never overlap: the wait for the next one begins when one is over.
 * - After a standstill of the clock or of the machine there is one heartbeat, however many were due.
 * - No failure ends the sender. Each is logged when it differs from the previous one.
 * - What is sent is what was true at that moment: a heartbeat that a change or other settings have made old is made
 *   again.
 */
export function makeBeatSender(first: BeatSettings, parts: BeatSenderParts): BeatSender {
  const { mayBeat, make, datagrams, log, count } = parts;
  const isNews = makeChangeDetector();
  const state: {
    settings: BeatSettings;
    turn: number;
    last?: LastBeat;
    problem?: string | undefined;
    timer?: NodeJS.Timeout;
    startedAt: number;
    running?: Promise<void> | undefined;
    isStarted: boolean;
  } = { settings: first, turn: 0, startedAt: 0, isStarted: false };

  /** Logs a problem that is new, and once that it is over. */
  function report(subject: string, problem: string | undefined, more: object = {}): void {
    if (!isNews(subject, problem)) return;
    if (problem === undefined) log.info({ subject, ...more }, 'heartbeats are sent again');
    else log.warn({ subject, ...more }, problem);
  }

  async function beat(): Promise<void> {
    const { settings } = state;
    const { controllers, key } = settings;
    const controller = controllers[state.turn % Math.max(1, controllers.length)];
    const reason = controller === undefined ? 'no controller is configured' : await mayBeat();
    const silence = reason === undefined ? undefined : `No heartbeat is sent: ${reason}.`;
    report('silence', silence);
    if (controller === undefined || reason !== undefined) {
      // A host that was set up by hand has no controller.
      state.problem = controller && silence;
      count('silent');
      return;
    }
    state.turn += 1;
    const { envelope, seq, version, done } = await makeCurrent(key);
    if (state.settings !== settings) {
      await done(false);
      await beat();
      return;
    }
    const { bytes } = envelope;
    const excess =
      bytes === undefined
        ? `A heartbeat does not fit into a datagram: the limit is ${maxDatagramBytes} bytes. Spread the listeners over several amphorae.`
        : undefined;
    report('size', excess, { bytes: envelope.tooLarge });
    if (bytes === undefined) {
      state.problem = excess;
      count('too_large');
      await done(false);
      return;
    }
    const to = nameOf(controller);
    const error = await failureOf(datagrams.send(bytes, controller));
    state.problem = error && `A heartbeat to ${to} could not be sent: ${error}.`;
    report(to, state.problem);
    count(error === undefined ? 'sent' : 'failed');
    if (error === undefined) state.last = { at: new Date(), to, seq, version, bytes: bytes.length };
    await done(error === undefined);
  }

  async function makeCurrent(key: string): Promise<MadeBeat> {
    let made = await make(key);
    for (let count = 1; count < maxMakings && !made.isCurrent(); count += 1) {
      await made.done(false);
      made = await make(key);
    }
    return made;
  }

  async function safeBeat(): Promise<void> {
    const error = await failureOf(beat());
    const problem = error && `A heartbeat could not be made: ${error}.`;
    if (problem !== undefined) {
      state.problem = problem;
      count('failed');
    }
    report('making', problem);
  }

  function arm(): void {
    if (!state.isStarted) return;
    clearTimeout(state.timer);
    const { intervalMs } = state.settings;
    const elapsed = performance.now() - state.startedAt;
    // Once a whole interval was missed, the next heartbeat comes an interval from now.
    state.timer = setTimeout(go, elapsed < intervalMs ? intervalMs - elapsed : intervalMs);
    state.timer.unref();
  }

  function go(): void {
    state.startedAt = performance.now();
    state.running = safeBeat().finally(() => {
      state.running = undefined;
      arm();
    });
  }

  return {
    start: () => {
      state.isStarted = true;
      go();
    },
    stop: async () => {
      state.isStarted = false;
      clearTimeout(state.timer);
      await state.running;
      datagrams.close();
    },
    reconfigure: (settings) => {
      state.settings = settings;
      if (!state.running) arm();
    },
    last: () => state.last,
    problem: () => state.problem,
  };
}

function nameOf({ host, port }: Controller): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The code or the message of the error, or undefined after a success. */
async function failureOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return systemErrorCode(error) ?? (error instanceof Error ? error.message : String(error));
  }
}
