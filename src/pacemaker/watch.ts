import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { type FSWatcher, watch } from 'chokidar';

import { setDeadline } from '../kit/concurrency/deadline.ts';
import type { Resident, StartResident } from '../kit/exec.ts';
import type { Log } from '../kit/log.ts';

/**
 * Notices when the cluster changes, so that nobody has to poll it.
 *
 * Pacemaker notifies a resident crm_mon of each change of the CIB and of each fencing, and crm_mon then writes its page
 * again. Pacemaker itself writes cib.xml with each change of the configuration. Both files are watched. Their content does
 * not matter: as a resident process, crm_mon 2.0 writes no XML, and 2.1 keeps the last page when the cluster stops. As a
 * signal that something changed, the page works on all versions.
 *
 * INVARIANTS
 * - A reading holds only if no signal came since it began.
 * - It holds only for `unsettledMs`, unless the watch is up, was up when the reading began, and no signal had come for
 *   `settleMs` before that. The reason: crm_mon writes at once only if it has not written for 2 s, and otherwise up to 2 s
 *   after the last change (`refresh_after_event` in crm_mon.c).
 * - It never holds longer than `maxMs`: a frozen daemon sends no signal.
 * - At most one crm_mon runs at a time. When it ends, the next one is started after a pause, which doubles each time. One
 *   that has not written within `silenceMs` after its start is ended, because it may hang.
 */
export interface ClusterWatch {
  start(): Promise<void>;
  /** Whether a reading that began then (on the clock `now`) is still current. */
  holds: (startedAt: number) => boolean;
  /** Ends crm_mon and the watch, which cannot be started again. */
  stop(): Promise<void>;
}

const unsettledMs = 500;
const settleMs = 4000;
const maxMs = 10_000;
const firstPauseMs = 1000;
const maxPauseMs = 30_000;

export interface WatchParts {
  startResident: StartResident;
  /** A folder that only the agent uses, for crm_mon's page. */
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
    'crm_mon',
    '--daemonize',
    '--interval=1',
    '--output-as=html',
    `--output-to=${page}`,
    `--pid-file=${pidFile}`,
  ] as const;

  const stopping = new AbortController();
  let files: FSWatcher | undefined;
  let resident: Resident | undefined;
  let pauseMs = firstPauseMs;
  let lastSignalAt = -Infinity;
  /** Whether crm_mon has written since it was started, and so is notified of everything. */
  let up = false;

  function onSignal(event: string, path: string): void {
    lastSignalAt = now();
    if (path !== page || resident === undefined) return;
    if (event === 'unlink') {
      // crm_mon continues to write to the removed file, which nobody can see.
      resident.stop();
      return;
    }
    up = true;
    pauseMs = firstPauseMs;
  }

  async function keepCrmMon(): Promise<never> {
    for (;;) {
      // A killed crm_mon leaves this file, and then the next one does not start.
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
      pauseMs = Math.min(pauseMs * 2, maxPauseMs);
      await sleep(pause, undefined, { signal: stopping.signal });
    }
  }

  return {
    async start() {
      await mkdir(runtimeFolder, { recursive: true, mode: 0o700 });
      // Watches the folder of cib.xml because Pacemaker replaces the file.
      files = watch([page, join(cibFile, '..')], {
        ignoreInitial: true,
        depth: 0,
        ignored: (path, stats) => stats?.isFile() === true && path !== page && path !== cibFile,
      });
      files.on('all', onSignal);
      files.on('error', (error) => {
        log.warn({ error: String(error) }, 'the files of the cluster cannot be watched');
        up = false;
      });
      keepCrmMon().catch((error: unknown) => {
        if (!stopping.signal.aborted) log.error({ error: String(error) }, 'crm_mon is not kept');
      });
    },

    holds(startedAt) {
      if (lastSignalAt >= startedAt) return false;
      const age = now() - startedAt;
      if (age < unsettledMs) return true;
      const settled = up && startedAt - lastSignalAt >= settleMs;
      return settled && age < maxMs;
    },

    async stop() {
      stopping.abort();
      resident?.stop();
      await files?.close();
    },
  };
}
