import { link, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { askFailedReloads, askSocket, askWorker } from '../../haproxy/socket.ts';
import type { Log } from '../../kit/log.ts';
import { orNoSpace } from '../../kit/files/files.ts';
import { statesForReload } from '../../parsers/haproxy/servers-state.ts';
import type { OwnerPlaces } from './places.ts';
import { inPlainFolder, replacePlainFile } from './plain-files.ts';

/** A worker that hangs must not hold up the reload that replaces it. */
const askLimits = { deadlineMs: 2000 };

/** The process as it is before a start or reload. */
export interface Before {
  /** The process id of the worker; undefined if none answers. */
  worker: number | undefined;
  /** How many reloads have failed; undefined if the master does not say. */
  failedReloads: number | undefined;
  /** By performance.now(). */
  at: number;
}

export async function lookBefore(places: OwnerPlaces): Promise<Before> {
  const [worker, failedReloads] = await Promise.all([
    askWorker(places.statsSocket, askLimits),
    askFailedReloads(places.masterSocket, askLimits),
  ]);
  return { worker: worker?.pid, failedReloads, at: performance.now() };
}

/** Whether a worker that began later serves, or the master has given up, or nobody knows yet. */
export type Progress = 'serves' | 'failed' | 'unknown';

/**
 * Asks whether a new worker answers. The socket is handed over, so the former one answers until the new one is ready.
 */
export async function progressSince(places: OwnerPlaces, before: Before): Promise<Progress> {
  const worker = await askWorker(places.statsSocket, askLimits);
  // A process id may be used again, and the uptime is in whole seconds.
  const seconds = (performance.now() - before.at) / 1000 + 1;
  if (worker && worker.pid !== before.worker && worker.uptimeSeconds <= seconds) return 'serves';
  const failed = await askFailedReloads(places.masterSocket, askLimits);
  const hasFailed = failed !== undefined && failed > (before.failedReloads ?? 0);
  return hasFailed ? 'failed' : 'unknown';
}

/** Milliseconds between two looks: a small configuration is in use after 100. */
const pauseMs = 25;

/**
 * Waits for a new worker.
 * @param isLost says whether nothing will come, as of a master that ended; it is asked every half a second
 * @returns whether a new worker serves
 */
export async function waitForWorker(
  places: OwnerPlaces,
  before: Before,
  { deadlineMs, isLost }: { deadlineMs: number; isLost: () => Promise<boolean> },
): Promise<boolean> {
  let nextLook = before.at + 500;
  while (performance.now() - before.at < deadlineMs) {
    const progress = await progressSince(places, before);
    if (progress === 'failed') return false;
    if (progress === 'serves') return true;
    if (performance.now() > nextLook) {
      if (await isLost()) return false;
      nextLook = performance.now() + 500;
    }
    await sleep(pauseMs);
  }
  return false;
}

/**
 * Waits until the master answers, which is a moment after its worker does. Before, it would lose the signal of a reload
 * (measured on 2.6), whoever has started it. A master that hangs holds up nobody for long.
 */
export async function waitForMaster({ masterSocket }: OwnerPlaces): Promise<void> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < askLimits.deadlineMs) {
    if ((await askSocket(masterSocket, 'show proc', askLimits)) !== undefined) return;
    await sleep(pauseMs);
  }
}

/**
 * Stores the states of all members, so that a new worker takes them over: otherwise members that are down would count as up
 * until their next checks. Weights and maintenance are those of the file (statesForReload). A failure is only logged,
 * because the reload itself does not need them.
 */
export async function saveServersState(places: OwnerPlaces, log: Log): Promise<void> {
  try {
    const state = await askSocket(places.statsSocket, 'show servers state', askLimits);
    // The first line is the version of the format.
    if (state === undefined || !/^\d+\n/.test(state)) return;
    await replacePlainFile(places.serversState, statesForReload(state), 0o644);
  } catch (error) {
    log.warn({ err: error, file: places.serversState }, 'the states of members were not stored');
  }
}

/** Notes that the process runs what is now `haproxy.cfg`. Needs no room for a second copy. */
export async function markRunning(places: OwnerPlaces): Promise<void> {
  await inPlainFolder(places.folder, (folder) =>
    orNoSpace(places.running, async () => {
      const temporary = join(folder, 'running.cfg.new');
      await rm(temporary, { force: true });
      await link(join(folder, 'haproxy.cfg'), temporary);
      await rename(temporary, join(folder, 'running.cfg'));
      // rename(2) leaves both names if they are one file already.
      await rm(temporary, { force: true });
    }),
  );
}
