import { Fault, systemErrorCode } from '../../kit/fault.ts';
import type { AlphornPaths } from '../../kit/paths.ts';
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
 * How far a restore came. `done`: an undo takes it back. `half_restored`, `half_undone`: it, or its undo, was killed.
 * `under_way`: a command is at it. `partly_undone`: taken back except for some paths, of which the only copies may be
 * here. `undone`: what is kept is what others had changed, and an undo by force replaced. `damaged`: not known.
 */
export type RestoreState =
  'done' | 'half_restored' | 'half_undone' | 'under_way' | 'partly_undone' | 'undone' | 'damaged';

/** What is kept of a restore. */
export interface ListedRestore {
  /** What it is called in a command. */
  id: string;
  state: RestoreState;
  /** Where it is kept. */
  folder: string;
  /** Of one that is damaged, these are not known. */
  liferaft?: string;
  host?: { id: string; name: string };
  generation?: number;
  /** ISO 8601 in UTC, by the clock of then. */
  at?: string;
  /** What was restored below, where that is not `/`. */
  root?: string;
  paths?: number;
  /** Of all copies. */
  bytes?: number;
  /** What is wrong with it, and what to do. */
  problem?: string;
}

/** All that is kept of former restores, the oldest first. */
export async function listRestores({
  restores,
  root,
}: Pick<AlphornPaths, 'restores' | 'root'>): Promise<ListedRestore[]> {
  const found = await readRestores(restores);
  const isBusy = found.some(isHalfDone) && (await isRestoring(restores));
  return found.map((each) => listed(each, isBusy, root));
}

/**
 * Those that did not end as they should; none for who may not look.
 */
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
      problem: `Some paths of ${what} could not be put back as they were; what was there before is kept in ${folder}. 'hactl alphorn undo' names them and tries again, also by --force; 'hactl alphorn restores drop ${idOf(saved)}' leaves them as they are.`,
    };
  }
  if (isBusy) return { state: 'under_way', problem: `A command is at ${what} just now.` };
  const isUndo = state === 'undoing' || state === 'forced';
  return {
    state: isUndo ? 'half_undone' : 'half_restored',
    problem: `The ${isUndo ? 'undo of ' : ''}${what} was killed half way: some of its paths are as restored, others as before. 'hactl alphorn undo' puts all back as it was before.`,
  };
}

/**
 * Removes what is kept of these restores. To be called by who has the lock.
 * @param ids what they are called in a list; all if nothing is said
 * @param force also of those that are half done
 * @returns what was dropped
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
      `Restore ${idOf(halfDone)} is half done, and what it replaced is kept in ${halfDone.folder} alone. Nothing was dropped. 'hactl alphorn undo' puts it back; --force drops it and leaves all as it is.`,
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
    `There is no restore ${id} here. Nothing was dropped. 'hactl alphorn restores' lists those that are kept.`,
  );
}
