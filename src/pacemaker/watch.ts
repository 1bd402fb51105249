import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { type FSWatcher, watch } from 'chokidar';

import { setDeadline } from '../kit/concurrency/deadline.ts';
import type { Resident, StartResident } from '../kit/exec.ts';
import type { Log } from '../kit/log.ts';

/**
 * Tells when the cluster has changed, so that nobody has to ask it time and again.
 *
 * A resident crm_mon is told by Pacemaker of each change of the CIB and of each fencing, and writes its
 * page anew; Pacemaker itself writes cib.xml with each change of the configuration. Both files are
 * watched. What is in them does not matter: 2.0 writes no XML while it stays, and 2.1 keeps the last
 * page when the cluster stops. As a sign that something changed, the page is the same on all.
 *
 * INVARIANTS
 * - A reading is said to hold only if no sign came since it began.
 * - And only for `unsettledMs`, unless the watch is up, was up when it began, and it began when no sign
 *   had come for `settleMs`: crm_mon writes at once only if it has not written for 2 s, and else up
 *   to 2 s after the last of the changes (`refresh_after_event` in crm_mon.c).
 * - And never longer than `longestMs`: a daemon that is frozen sends no sign.
 * - At most one crm_mon stays at a time. When it ends, the next is started after a pause that doubles;
 *   one that has not written for `silenceMs` after its start is ended, for it may hang.
 */
export interface ClusterWatch {
  start(): Promise<void>;
  /** Whether a reading that began then (on the clock `now`) still tells how things are. */
  holds: (startedAt: number) => boolean;
  /** Ends crm_mon, and the watch for good. */
  stop(): Promise<void>;
}

const unsettledMs = 500;
const settleMs = 4000;
const longestMs = 10_000;
const firstPauseMs = 1000;
const longestPauseMs = 30_000;

export interface WatchParts {
  startResident: StartResident;
  /** A folder of the agent's own, for crm_mon's page. */
  runtimeFolder: string;
  /** Pacemaker's cib.xml. */
  cibFile: string;
  log: Log;
  /** How long crm_mon may take to write for the first time. */
  silenceMs?: number;
  /** A monotonic clock in milliseconds. */
  now?: () => number;
}

export function makeClusterWatch({
  startResident,
  runtimeFolder,
  cibFile,
  log,
  silenceMs = 30_000,
  now = () => performance.now(),
}: WatchParts): ClusterWatch {
  const page = join(runtimeFolder, 'crm_mon.html');
  const pidFile = join(runtimeFolder, 'crm_mon.pid');
  const argv = [
    ...(['crm_mon', '--daemonize', '--interval=1', '--output-as=html'] as const),
    `--output-to=${page}`,
    `--pid-file=${pidFile}`,
  ] as const;

  const stopping = new AbortController();
  let files: FSWatcher | undefined;
  let resident: Resident | undefined;
  let pauseMs = firstPauseMs;
  let lastSignAt = -Infinity;
  /** Whether crm_mon has written since it was started, and so is told of everything. */
  let up = false;

  function sign(event: string, path: string): void {
    lastSignAt = now();
    if (path !== page || resident === undefined) return;
    if (event === 'unlink') {
      // crm_mon goes on writing the file that it opened at its start, where nobody sees it now.
      resident.stop();
      return;
    }
    up = true;
    pauseMs = firstPauseMs;
  }

  async function keepCrmMon(): Promise<never> {
    for (;;) {
      // Of one that was killed; crm_mon does not start beside it.
      await rm(pidFile, { force: true });
      stopping.signal.throwIfAborted();
      const started = startResident(argv);
      resident = started;
      const deadline = setDeadline(silenceMs, () => {
        if (!up) started.stop();
      });
      await started.ended;
      deadline.cancel();
      resident = undefined;
      up = false;
      stopping.signal.throwIfAborted();
      log.debug({ pauseMs }, 'crm_mon ended; the cluster may be stopped');
      const pause = pauseMs;
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      await sleep(pause, undefined, { signal: stopping.signal });
    }
  }

  return {
    async start() {
      await mkdir(runtimeFolder, { recursive: true, mode: 0o700 });
      // The folder, not the file, for Pacemaker puts a new file in its place.
      files = watch([page, join(cibFile, '..')], {
        ignoreInitial: true,
        depth: 0,
        ignored: (path, stats) => stats?.isFile() === true && path !== page && path !== cibFile,
      });
      files.on('all', sign);
      files.on('error', (error) => {
        log.warn({ error: String(error) }, 'the files of the cluster cannot be watched');
        up = false;
      });
      keepCrmMon().catch((error: unknown) => {
        if (!stopping.signal.aborted) log.error({ error: String(error) }, 'crm_mon is not kept');
      });
    },

    holds(startedAt) {
      if (lastSignAt >= startedAt) return false;
      const age = now() - startedAt;
      if (age < unsettledMs) return true;
      const settled = up && startedAt - lastSignAt >= settleMs;
      return settled && age < longestMs;
    },

    async stop() {
      stopping.abort();
      resident?.stop();
      await files?.close();
    },
  };
}
