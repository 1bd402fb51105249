import { join } from 'node:path';

import { namesIn, removeTemporaries } from '../../kit/files/files.ts';
import type { Log } from '../../kit/log.ts';
import type { AmphoraPaths } from '../paths.ts';
import type { OwnerConfigs } from './owner-configs.ts';
import { isOwnerId, placesOf } from './places.ts';
import { inPlainFolder, plainFileIfThere, removePlainFile } from './plain-files.ts';
import type { Processes } from './processes.ts';
import { emptyFolder } from './removal.ts';

export interface RecoveryParts {
  paths: AmphoraPaths;
  log: Log;
  processes: Processes;
  configs: OwnerConfigs;
  finishRemoval: (id: string) => Promise<void>;
  start: (id: string) => Promise<unknown>;
  /** Writes the files that all owners share. */
  prepare: () => Promise<void>;
}

/**
 * Makes a function that brings the disk and the processes together. One owner that fails holds up no other: its failure is
 * logged.
 */
export function makeRecovery(parts: RecoveryParts): () => Promise<void> {
  const { paths, log } = parts;
  return async () => {
    for (const id of (await namesIn(paths.base)).filter(isOwnerId)) {
      try {
        await recoverFolder(parts, id);
      } catch (error) {
        log.error({ err: error, owner: id }, 'what was left of an owner could not be cleared up');
      }
    }
    await parts.prepare();
    await Promise.all(
      (await parts.configs.ids()).map(async (id) => {
        try {
          await recoverProcess(parts, id);
        } catch (error) {
          log.error({ err: error, owner: id }, 'haproxy should run and could not be started');
        }
      }),
    );
  };
}

async function recoverFolder({ paths, finishRemoval }: RecoveryParts, id: string): Promise<void> {
  const places = placesOf(paths, id);
  await inPlainFolder(places.folder, removeTemporaries);
  await removePlainFile(`${places.config}.new`);
  await removePlainFile(join(places.folder, 'running.cfg.new'));
  if ((await plainFileIfThere(places.deleting)) === undefined) return;
  if ((await plainFileIfThere(places.config)) !== undefined) await finishRemoval(id);
  else {
    await emptyFolder(places.folder, []);
    await removePlainFile(places.folder);
  }
}

/** An agent that was killed in the middle of a start leaves a process that runs and is not enabled, or the reverse. */
async function recoverProcess(
  { paths, processes, configs, start }: RecoveryParts,
  id: string,
): Promise<void> {
  const isEnabled = (await plainFileIfThere(placesOf(paths, id).enabled)) !== undefined;
  const isUp = (await configs.master(id)) !== undefined;
  if (!isEnabled && !isUp) return;
  const state = await processes.state(id);
  if (state === 'up' && isEnabled) return;
  if (isUp || state !== 'coming') await start(id);
}
