import { Fault, systemErrorCode } from '../../kit/fault.ts';
import type { AlphornPaths } from '../paths.ts';
import {
  type DamagedRestore,
  forget,
  idOf,
  isHalfDone,
  type SavedRestore,
  readRestores,
} from './restore-journal.ts';
import { isRestoring } from './restore-lock.ts';
import { bytesOf } from './limits.ts';

/**
 * The state of a restore. `done`: an undo takes it back. `half_restored`, `half_undone`: it, or its undo, was killed.
 * `under_way`: a command works on it. `partly_undone`: it was taken back except for some paths, whose only copies may
 * be here. `undone`: an undo by force replaced what others had changed; copies of that are here. `damaged`: not known.
 */
export type RestoreState =
  'done' | 'half_restored' | 'half_undone' | 'under_way' | 'partly_undone' | 'undone' | 'damaged';

/** A restore whose replaced files are saved. */
export interface ListedRestore {
  /** Its name in commands. */
  id: string;
  state: RestoreState;
  /** The folder with its journal and copies. */
  folder: string;
  /** The fields from here on are left out if it is damaged. */
  liferaft?: string;
  host?: { id: string; name: string };
  generation?: number;
  /** When it was made, ISO 8601 in UTC. */
  at?: string;
  /** The folder below which it restored, if that is not `/`. */
  root?: string;
  paths?: number;
  /** The size of all copies. */
  bytes?: number;
  /** What is wrong with it, and what to do. */
  problem?: string;
}

/** Lists the saved restores, the oldest first. */
export async function listRestores({
  restores,
  root,
}: Pick<AlphornPaths, 'restores' | 'root'>): Promise<ListedRestore[]> {
  const found = await readRestores(restores);
  const isBusy = found.some(isHalfDone) && (await isRestoring(restores));
  return found.map((each) => listed(each, isBusy, root));
}

/** Lists the restores that did not end as they should; none if the caller may not read the folder. */
export async function unfinishedRestores(
  paths: Pick<AlphornPaths, 'restores' | 'root'>,
): Promise<ListedRestore[]> {
  try {
    return (await listRestores(paths)).filter(({ problem }) => problem !== undefined);
  } catch (error) {
    if (systemErrorCode(error) === 'EACCES') return [];
    throw error;
  }
}

function listed(
  saved: SavedRestore | DamagedRestore,
  isBusy: boolean,
  hostRoot: string,
): ListedRestore {
  const { folder } = saved;
  const id = idOf(saved);
  if (saved.state === 'damaged') return { id, state: 'damaged', folder, problem: saved.problem };
  const { liferaft, host, generation, at, steps, root } = saved.journal;
  const { state, problem } = stateOf(saved, isBusy);
  return {
    id,
    state,
    folder,
    liferaft,
    host,
    generation,
    at,
    ...(root !== undefined && root !== hostRoot && { root }),
    paths: steps.length,
    bytes: bytesOf(saved),
    ...(problem !== undefined && { problem }),
  };
}

function stateOf(saved: SavedRestore, isBusy: boolean): { state: RestoreState; problem?: string } {
  const { state, folder, journal } = saved;
  if (state === 'done' || state === 'undone') return { state };
  const what = `restore ${idOf(saved)} (of ${journal.liferaft}, ${journal.at})`;
  if (state === 'partial') {
    return {
      state: 'partly_undone',
      problem: `Some paths of ${what} could not be put back as they were; what was there before is saved in ${folder}. 'hactl alphorn undo' names them and tries again, also by --force; 'hactl alphorn restores drop ${idOf(saved)}' leaves them as they are.`,
    };
  }
  if (isBusy) return { state: 'under_way', problem: `A command is working on ${what}.` };
  const isUndo = state === 'undoing' || state === 'forced';
  return {
    state: isUndo ? 'half_undone' : 'half_restored',
    problem: `The ${isUndo ? 'undo of ' : ''}${what} was killed half way: some of its paths are restored, others are not. 'hactl alphorn undo' puts everything back as it was before.`,
  };
}

/**
 * Deletes saved restores. The caller must hold the lock.
 * @param ids from the list; all if left out
 * @param force whether to delete also those that are half done
 * @returns the ids of those that were deleted
 * Faults: `restore_not_found`, `restore_half_done`; nothing was dropped then
 */
export async function dropRestores(
  restores: string,
  ids: readonly string[] | undefined,
  force: boolean,
): Promise<string[]> {
  const found = await readRestores(restores);
  const chosen = ids ? ids.map((id) => byId(found, id)) : found;
  const halfDone = chosen.find(isHalfDone);
  if (halfDone && !force) {
    throw new Fault(
      'restore_half_done',
      `Restore ${idOf(halfDone)} is half done, and the only copies of what it replaced are in ${halfDone.folder}. Nothing was dropped. 'hactl alphorn undo' puts it back; --force drops it and leaves everything as it is.`,
    );
  }
  const dropped = [...new Set(chosen)];
  for (const each of dropped) await forget(each);
  return dropped.map(idOf);
}

function byId<T extends SavedRestore | DamagedRestore>(found: readonly T[], id: string): T {
  const match = found.find((each) => idOf(each) === id);
  if (match) return match;
  throw new Fault(
    'restore_not_found',
    `There is no restore ${id} here. Nothing was dropped. 'hactl alphorn restores' lists those that are saved.`,
  );
}
