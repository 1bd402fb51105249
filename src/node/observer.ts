import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { KeepalivedReport } from '../keepalived/report.ts';
import type { Log } from '../kit/log.ts';
import type { Healer } from './heal.ts';
import { type Observation, reportOf } from './observation.ts';

export interface ObserverParts {
  /**
   * Looks at keepalived and the kernel. It may take a second if keepalived does not answer.
   * @param isHinted whether something is known to have changed
   */
  look: (isHinted: boolean) => Promise<Observation>;
  healer: Healer;
  log: Log;
  everyMs?: number;
}

/** The reports of a node, and who waits for the next one. */
export interface Observer {
  /** Looks once now, and then each second and at each hint. */
  start(): void;
  /** Says that something may have changed. */
  hint(): void;
  /** Looks again now. @returns when that look has ended, so that the last report has what happened before the call */
  again(): Promise<void>;
  /** The last report; before the first it waits for it. */
  current(): Promise<KeepalivedReport>;
  /** Waits up to `maxMs` for a report after this sequence. @returns the last one */
  after(sequence: number, maxMs: number): Promise<KeepalivedReport>;
  stop(): Promise<void>;
}

/** So many looks without an answer, and keepalived is taken for one that does not answer. A reload may take one. */
const maxSilent = 3;
const usualMs = 1000;
/** A hundred instances change at once, and each writes a line. */
const afterHintMs = 20;
/** A poll may wait on each connection of the listener. */
const maxWaiting = 256;

export function makeObserver({ look, healer, log, everyMs = usualMs }: ObserverParts): Observer {
  const boot = randomUUID();
  const waiting = new Set<() => void>();
  let last: KeepalivedReport | undefined;
  let content = '';
  let silent = 0;
  let wake: (() => void) | undefined;
  let isHinted = true;
  let isStopped = false;
  let running: Promise<void> = Promise.resolve();
  /** Who waits for the end of the next look. */
  let next: (() => void)[] = [];

  async function observe(hasHint: boolean): Promise<void> {
    const seen = await look(hasHint);
    // Nothing tells of its end, which comes within moments.
    if (seen.isStopping && seen.pid !== undefined) isHinted = true;
    silent = seen.instances === undefined ? silent + 1 : 0;
    const isGone = seen.pid === undefined || seen.stopped.length > 0 || seen.isStopping;
    const isSilent = isGone ? silent > 0 : silent >= maxSilent;
    // A single late answer is no sign. The report before it stays.
    if (!isSilent && seen.instances === undefined && last !== undefined) return;
    publish(reportOf(seen, seen.instances !== undefined));
    healer.heal(seen);
  }

  function publish(next: ReturnType<typeof reportOf>): void {
    const text = JSON.stringify(next);
    if (text === content) return;
    content = text;
    last = { sequence: (last?.sequence ?? 0) + 1, boot, ...next };
    for (const each of waiting) each();
    waiting.clear();
  }

  async function loop(): Promise<void> {
    while (!isStopped) {
      const hasHint = isHinted;
      isHinted = false;
      const looking = next;
      next = [];
      await observe(hasHint).catch((error: unknown) => {
        log.warn({ error: String(error) }, 'keepalived could not be observed');
      });
      for (const each of looking) each();
      await pause();
    }
    for (const each of next) each();
  }

  /** Ends early at a hint. */
  async function pause(): Promise<void> {
    if (isStopped) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, isHinted ? afterHintMs : everyMs);
      wake = () => {
        clearTimeout(timer);
        setTimeout(resolve, isStopped ? 0 : afterHintMs);
        wake = undefined;
      };
    });
    wake = undefined;
  }

  function hint(): void {
    isHinted = true;
    wake?.();
  }

  function changed(maxMs: number): Promise<void> {
    if (waiting.size >= maxWaiting) return sleep(Math.min(maxMs, usualMs));
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, maxMs);
      waiting.add(done);
    });
  }

  async function current(): Promise<KeepalivedReport> {
    if (last === undefined) await changed(10_000);
    return last ?? { sequence: 0, boot, ...nothingSeen };
  }

  return {
    start() {
      running = loop();
    },
    hint,
    async again() {
      if (isStopped) return;
      const looked = new Promise<void>((resolve) => {
        next.push(resolve);
      });
      hint();
      await looked;
    },
    current,
    async after(sequence, maxMs) {
      const found = await current();
      if (found.sequence > sequence || isStopped) return found;
      await changed(maxMs);
      return current();
    },
    async stop() {
      isStopped = true;
      wake?.();
      for (const each of waiting) each();
      await running;
      await healer.ended();
    },
  };
}

const nothingSeen: ReturnType<typeof reportOf> = {
  running: null,
  version: '',
  isAnswering: false,
  instances: [],
  otherRouters: [],
  troubles: ['This node has not seen its keepalived yet.'],
};
