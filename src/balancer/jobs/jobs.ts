import { setDeadline } from '../../kit/concurrency/deadline.ts';
import { Fault } from '../../kit/fault.ts';
import { makeLogLimit } from '../../kit/log-limit.ts';
import type { Log } from '../../kit/log.ts';
import { attempt, type AttemptParts } from './attempt.ts';
import { endAttempt, endFailedDeletion, type Job, readJob, waitAfter } from './ends.ts';
import { makeWaiting, type Waiting } from './waiting.ts';

/**
 * Brings load balancers to what their rows say.
 *
 * INVARIANTS
 * - A load balancer has at most one attempt under way. Different ones are side by side, up to a bound.
 * - What is PENDING has a job, and a job ends: when nodes have answered, at its deadline, or after the next start.
 * - What could not be done is tried again until it is done, with growing waits.
 */
export interface Jobs {
  /** Call it after a transaction that has opened a job. */
  kick(balancer: string): void;
  /** Tries at once what waits for its next try on these nodes, or on all. */
  hasten(balancers: readonly string[]): void;
  waiting: Waiting;
  /** Goes on with each job that was under way. */
  start(): Promise<void>;
  /** Begins nothing more, and waits for what is under way. What is not over goes on after the next start. */
  stop(): Promise<void>;
}

export interface JobsParts extends AttemptParts {
  maxJobs: number;
  /** Milliseconds for which a change may be PENDING. */
  deadlineMs: number;
  /** Called after each end of a job. */
  onEnded: (balancer: string) => void;
  log: Log;
}

/** An attempt under way. */
interface Running {
  /** Why it was aborted, if it was. */
  aborted: 'change' | 'deadline' | 'stop' | undefined;
  isRepetition: boolean;
  controller: AbortController;
  /** Whether it is to begin again when it ends. */
  isAgain: boolean;
}

const repeatLogAfterMs = 600_000;
/** A job that has waited for the start of the controller gets this time at least. */
const minDeadlineMs = 5000;

export function makeJobs(parts: JobsParts): Jobs {
  const { store, clock, log, maxJobs } = parts;
  const waiting = makeWaiting();
  const queue = new Set<string>();
  const running = new Map<string, Running>();
  const timers = new Map<string, NodeJS.Timeout>();
  const isDue = makeLogLimit({ repeatAfterMs: repeatLogAfterMs });
  const state = { isStarted: false, isStopped: false, storeFailures: 0 };
  let onIdle: (() => void) | undefined;

  function enqueue(balancer: string): void {
    clearTimeout(timers.get(balancer));
    timers.delete(balancer);
    if (state.isStopped) return;
    const own = running.get(balancer);
    if (own) {
      own.isAgain = true;
      return;
    }
    queue.add(balancer);
    pump();
  }

  function pump(): void {
    if (!state.isStarted || state.isStopped) return;
    for (const balancer of queue) {
      if (running.size >= maxJobs) return;
      queue.delete(balancer);
      void run(balancer);
    }
  }

  async function run(balancer: string): Promise<void> {
    const own: Running = {
      aborted: undefined,
      isRepetition: false,
      controller: new AbortController(),
      isAgain: false,
    };
    running.set(balancer, own);
    let nextMs: number | undefined;
    try {
      nextMs = await once(balancer, own);
      state.storeFailures = 0;
    } catch (error) {
      // The store cannot be read or written now. Nothing was lost: the job is in it.
      state.storeFailures += 1;
      nextMs = waitAfter(state.storeFailures);
      if (isDue(`store ${String(error)}`))
        log.error({ balancer, error: String(error) }, 'a job of a load balancer could not go on');
    }
    running.delete(balancer);
    if (own.isAgain) enqueue(balancer);
    else if (nextMs !== undefined) wakeIn(balancer, nextMs);
    pump();
    if (running.size === 0) onIdle?.();
  }

  function wakeIn(balancer: string, ms: number): void {
    if (state.isStopped) return;
    clearTimeout(timers.get(balancer));
    timers.set(
      balancer,
      setTimeout(() => {
        enqueue(balancer);
      }, ms),
    );
  }

  /** @returns after how many milliseconds the rest is to be tried again; undefined if nothing is left */
  async function once(balancer: string, own: Running): Promise<number | undefined> {
    const job = await readJob(store, balancer);
    if (job === undefined) return undefined;
    own.isRepetition = job.changeTurn === undefined;
    // A change may have come while the row was read.
    if (own.isRepetition && own.isAgain) return 0;
    const limit = setDeadline(budgetOf(job), () => {
      abort(own, 'deadline');
    });
    try {
      const isWritten = await orAborted(attempt(parts, job, own.controller.signal), own);
      if (!isWritten) {
        if (own.aborted === 'deadline') await endWithout(job, lateText(parts.deadlineMs));
        else return own.aborted === 'stop' ? undefined : 0;
      }
    } catch (error) {
      if (isOfStore(error)) throw error;
      // Whatever it is, the change must not stay PENDING.
      log.error({ balancer, error }, 'an attempt to deploy a load balancer has failed');
      await endWithout(job, `It cannot be carried out: ${(error as Error).message}`);
    } finally {
      limit.cancel();
    }
    parts.onEnded(balancer);
    waiting.notify(balancer);
    const rest = await readJob(store, balancer);
    if (rest === undefined) return undefined;
    if (rest.changeTurn !== undefined) return 0;
    if (isDue(`${balancer} ${rest.why ?? ''}`))
      log.warn({ balancer, why: rest.why }, 'a load balancer is not as wanted on all of its nodes');
    return Math.max(0, Math.min((rest.nextTryMs ?? 0) - clock(), waitAfter(rest.attempts)));
  }

  /** The rest of the time until the deadline. A clock that was set must not make it endless. */
  function budgetOf({ deadlineMs, changeTurn }: Job): number {
    if (changeTurn === undefined || deadlineMs === undefined) return parts.deadlineMs;
    return Math.min(parts.deadlineMs, Math.max(minDeadlineMs, deadlineMs - clock()));
  }

  /** Ends an attempt that has no outcome of nodes. */
  async function endWithout(job: Job, why: string): Promise<void> {
    await store.write(async (transaction) => {
      const row = await transaction.one('SELECT fate FROM balancer_load_balancers WHERE id = $1', [
        job.balancer,
      ]);
      const isDeletion = row?.['fate'] === 'delete';
      if (isDeletion) await endFailedDeletion(transaction, job, why, clock());
      else await endAttempt(transaction, job, { turns: [], why, nodes: [], fence: 0 }, clock());
    });
  }

  function abort(own: Running, why: NonNullable<Running['aborted']>): void {
    own.aborted ??= why;
    own.controller.abort();
  }

  return {
    kick(balancer) {
      const own = running.get(balancer);
      // A change must not wait until nodes that do not answer have been given up.
      if (own?.isRepetition) abort(own, 'change');
      enqueue(balancer);
    },
    hasten(balancers) {
      for (const each of balancers) if (timers.has(each)) enqueue(each);
    },
    waiting,
    async start() {
      const rows = await store.all(
        'SELECT load_balancer FROM balancer_jobs ORDER BY load_balancer',
      );
      for (const row of rows) queue.add(String(row['load_balancer']));
      state.isStarted = true;
      pump();
    },
    async stop() {
      state.isStopped = true;
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
      queue.clear();
      for (const own of running.values()) abort(own, 'stop');
      if (running.size === 0) return;
      await new Promise<void>((resolve) => {
        onIdle = resolve;
      });
    },
  };
}

function lateText(deadlineMs: number): string {
  return `The nodes have not answered within ${Math.round(deadlineMs / 1000)} s.`;
}

/** Nothing can be written down then, and the job is in the store. */
function isOfStore(error: unknown): boolean {
  return error instanceof Fault && ['no_space', 'store_unavailable'].includes(error.code);
}

/** A deployer that does not heed its signal must not hold up the job. */
function orAborted(work: Promise<boolean>, { controller }: Running): Promise<boolean> {
  const { signal } = controller;
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      // A transaction that is under way at this moment still counts.
      setImmediate(() => {
        resolve(false);
      });
    };
    signal.addEventListener('abort', onAbort, { once: true });
    work
      .catch((error: unknown) => {
        if (signal.aborted) return false;
        throw error;
      })
      .then(resolve, reject)
      .finally(() => {
        signal.removeEventListener('abort', onAbort);
      });
  });
}
