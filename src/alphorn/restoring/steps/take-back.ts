import { Fault } from '../../../kit/fault.ts';
import type { Host } from '../../../kit/host.ts';
import type { AttributeStore } from '../../format/attributes.ts';
import { isAt } from './exchange.ts';
import { orFault } from '../path-faults.ts';
import { forget, isHalfDone, type SavedRestore, moveOn, readRestores } from '../restore-journal.ts';
import { changedSince, nothingToUndo, notPutBack, otherRoot, stillLeft } from '../faults.ts';
import { changedFolders, saveChangedFolders, readFolderChanges } from './folders.ts';
import { saveChanged, knownAt } from './copies.ts';
import { readLists } from './lists-here.ts';
import { folderIdOf } from '../other-root.ts';
import { checkPacemaker } from '../pacemaker.ts';
import { type PutBack, putBack } from './put-back.ts';

/** What an undo did. */
export interface Undone {
  /** Whose restore was taken back, and when that was (ISO 8601 in UTC). */
  liferaft: string;
  host: { id: string; name: string };
  generation: number;
  restoredAt: string;
  /** What it was restored below, where that is not `/`. */
  root?: string;
  /** The paths that are as they were before it. */
  paths: readonly string[];
}

/** For what the caller should know beside the answer. */
export type Warn = (text: string) => void;

/** Takes restores back: whole, or with every copy of the rest still there. To be called by who has the lock. */
export interface TakingBack {
  /**
   * Puts back what a restore, or an undo, that was killed has changed. What cannot be put back stays, and so does its
   * copy, which the caller is told of.
   * Faults: `pacemaker_running`
   */
  finishKilled(asker: Host, warn: Warn): Promise<void>;
  /**
   * Takes back a restore that failed.
   * @param touched the paths that it has changed
   * @param error why it failed
   * @returns what its caller is to be told
   */
  failed(
    saved: SavedRestore,
    touched: ReadonlySet<string>,
    error: unknown,
    warn: Warn,
  ): Promise<unknown>;
  /** See Restorer. */
  undo(asker: Host, force: boolean, warn: Warn): Promise<Undone>;
}

/** @param root of restores whose journal, by a former version, does not name it */
export function makeTakingBack({
  root,
  restores,
  attributesBelow,
}: {
  root: string;
  restores: string;
  attributesBelow: (root: string) => AttributeStore;
}): TakingBack {
  const rootOf = ({ journal }: SavedRestore) => journal.root ?? root;

  /** What is to be said where the root is not there, such as a disk that is not mounted: nothing may be done then. */
  async function otherRootOf(saved: SavedRestore): Promise<Fault | undefined> {
    const { rootId } = saved.journal;
    const where = rootOf(saved);
    const isSame = rootId === undefined || (await folderIdOf(where)) === rootId;
    return isSame ? undefined : otherRoot(saved, where);
  }

  /** Says how a restore ended that was to be taken back: nothing of it is left to be done, or its copies stay. */
  async function settle(saved: SavedRestore, { left, stay }: PutBack, warn: Warn): Promise<void> {
    if (stay.length > 0) {
      warn(`These folders stay, for others have put something into them: ${stay.join(', ')}`);
    }
    const keepsChanges = saved.journal.steps.some(({ changed = [] }) =>
      changed.some(({ what }) => what !== null),
    );
    // One that had not begun has changed nothing, so nothing at its paths is its own.
    if (left.length > 0) await moveOn(saved, saved.state === 'staging' ? 'staging' : 'partial');
    else if (keepsChanges) {
      await moveOn(saved, 'undone');
      warn(
        `What was changed since the restore is kept in ${saved.folder}; 'hactl alphorn restores' lists it.`,
      );
    } else await forget(saved);
  }

  /** The same where only its copies may be in the way of that. */
  async function settleOrWarn(saved: SavedRestore, outcome: PutBack, warn: Warn): Promise<void> {
    try {
      await settle(saved, outcome, warn);
    } catch (error) {
      // The copies stay in any case, and that they do is said by who asked.
      if (outcome.left.length > 0) return;
      warn(
        `All was put back, but ${saved.folder} could not be removed: ${(error as Error).message}. The next restore or undo tries again.`,
      );
    }
  }

  function ofKilled({ state, journal }: SavedRestore): string {
    const what = state === 'begun' || state === 'staging' ? 'restore' : 'undo of the restore';
    return `The ${what} of ${journal.liferaft} of ${journal.at} had not ended, for something killed it.`;
  }

  const allPutBack = 'All that it had changed was put back as it was before the restore.';

  async function finishKilled(asker: Host, warn: Warn): Promise<void> {
    for (const saved of (await readRestores(restores)).toReversed()) {
      if (saved.state === 'damaged') warn(saved.problem);
      else if (isHalfDone(saved)) {
        const elsewhere = await otherRootOf(saved);
        if (elsewhere) {
          warn(`${ofKilled(saved)} ${elsewhere.message}`);
          continue;
        }
        await checkPacemaker(asker, rootOf(saved), saved.journal.steps);
        const outcome = await putBack(rootOf(saved), saved, attributesBelow(rootOf(saved)), {
          wasKilled: true,
        });
        await settleOrWarn(saved, outcome, warn);
        warn(
          outcome.left.length === 0
            ? `${ofKilled(saved)} ${allPutBack}`
            : `${ofKilled(saved)} ${stillLeft(saved, outcome)}`,
        );
      }
    }
  }

  async function failed(
    saved: SavedRestore,
    touched: ReadonlySet<string>,
    error: unknown,
    warn: Warn,
  ): Promise<unknown> {
    const outcome = await putBack(rootOf(saved), saved, attributesBelow(rootOf(saved)), {
      touched,
    });
    await settleOrWarn(saved, outcome, warn);
    return outcome.left.length > 0 ? notPutBack(saved, outcome, error) : error;
  }

  async function undo(asker: Host, force: boolean, warn: Warn): Promise<Undone> {
    const latest = (await readRestores(restores)).findLast(({ state }) => state !== 'undone');
    if (latest === undefined) throw nothingToUndo();
    if (latest.state === 'damaged') throw new Fault('restore_failed', latest.problem);
    const { steps, liferaft, host: whose, generation, at } = latest.journal;
    const where = rootOf(latest);
    const elsewhere = await otherRootOf(latest);
    if (elsewhere) throw elsewhere;
    await checkPacemaker(asker, where, steps);
    const isKilled = isHalfDone(latest);
    const folders = await readFolderChanges(latest.folder).catch((error: unknown) => {
      // It is named when all else was put back.
      if (error instanceof Fault) return [];
      throw error;
    });
    const attributes = attributesBelow(where);
    if (!isKilled && !force) {
      const stepPaths = steps.map(({ path }) => path);
      const listsOf = await readLists(attributes, stepPaths);
      const changed = await changedFolders(where, folders, attributes);
      for (const step of steps) {
        if (!(await knownAt(where, step, listsOf(step.path)))) changed.push(step.path);
      }
      if (changed.length > 0) throw changedSince(changed);
    }
    const noted = await orFault(restores, async () => {
      if (!force) return latest;
      await saveChangedFolders(where, latest.folder, folders, attributes);
      return saveChanged(where, latest, attributes);
    });
    const undoing = isKilled ? noted : await orFault(restores, () => moveOn(noted, 'undoing'));
    let outcome;
    try {
      outcome = await putBack(where, undoing, attributes, {
        orNothing: !force,
        wasKilled: isKilled,
      });
    } catch (error) {
      // Nothing was put in place.
      if (error instanceof Fault) await moveOn(undoing, latest.state);
      throw error;
    }
    await settleOrWarn(undoing, outcome, warn);
    if (outcome.left.length > 0) throw notPutBack(undoing, outcome);
    if (isKilled) warn(`${ofKilled(latest)} ${allPutBack}`);
    const paths = folders.map(({ path }) => path);
    for (const { path, before } of steps) {
      // What the restore had not come to, somebody may have changed since.
      if (latest.state !== 'staging' || (await isAt(where, path, before))) paths.push(path);
    }
    return {
      liferaft,
      host: whose,
      generation,
      restoredAt: at,
      ...(where !== asker.paths.alphorn.root && { root: where }),
      paths,
    };
  }

  return { finishKilled, failed, undo };
}
