import { Fault } from '../../../kit/fault.ts';
import type { AlphornHost } from '../../paths.ts';
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

/** The result of an undo. */
export interface Undone {
  /** The restore that was taken back. Its time is ISO 8601 in UTC. */
  liferaft: string;
  host: { id: string; name: string };
  generation: number;
  restoredAt: string;
  /** The folder below which it had restored, if that is not `/`. */
  root?: string;
  /** The paths that are as they were before the restore. */
  paths: readonly string[];
}

/** Takes what the caller should know in addition to the answer. */
export type Warn = (text: string) => void;

/** Takes restores back: either completely, or the copies of the rest stay. The caller must hold the lock. */
export interface TakingBack {
  /**
   * Puts back what killed restores and undos have changed. What cannot be put back stays, and so does its copy, which
   * the caller is warned about.
   * Faults: `pacemaker_running`
   */
  finishKilled(asker: AlphornHost, warn: Warn): Promise<void>;
  /**
   * Takes back a restore that failed.
   * @param touched the paths that it has changed
   * @param error why it failed
   * @returns the error for its caller
   */
  failed(
    saved: SavedRestore,
    touched: ReadonlySet<string>,
    error: unknown,
    warn: Warn,
  ): Promise<unknown>;
  /** See Restorer. */
  undo(asker: AlphornHost, force: boolean, warn: Warn): Promise<Undone>;
}

/** @param root applies to restores of a former version, whose journal does not name it */
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

  /** The fault if the root is not there, such as a disk that is not mounted. Then nothing may be done. */
  async function otherRootOf(saved: SavedRestore): Promise<Fault | undefined> {
    const { rootId } = saved.journal;
    const where = rootOf(saved);
    const isSame = rootId === undefined || (await folderIdOf(where)) === rootId;
    return isSame ? undefined : otherRoot(saved, where);
  }

  /** Ends the taking back of a restore: it is deleted if nothing is left to do, otherwise its copies stay. */
  async function settle(saved: SavedRestore, { left, stay }: PutBack, warn: Warn): Promise<void> {
    if (stay.length > 0) {
      warn(`These folders stay, because others have put something into them: ${stay.join(', ')}`);
    }
    const keepsChanges = saved.journal.steps.some(({ changed = [] }) =>
      changed.some(({ what }) => what !== null),
    );
    // A restore that had not begun has changed nothing, so whatever is at its paths is not its own.
    if (left.length > 0) await moveOn(saved, saved.state === 'staging' ? 'staging' : 'partial');
    else if (keepsChanges) {
      await moveOn(saved, 'undone');
      warn(
        `What was changed since the restore is saved in ${saved.folder}; 'hactl alphorn restores' lists it.`,
      );
    } else await forget(saved);
  }

  /** The same; if only deleting its copies fails, that is a warning. */
  async function settleOrWarn(saved: SavedRestore, outcome: PutBack, warn: Warn): Promise<void> {
    try {
      await settle(saved, outcome, warn);
    } catch (error) {
      // The copies stay in any case, and the caller reports that.
      if (outcome.left.length > 0) return;
      warn(
        `Everything was put back, but ${saved.folder} could not be removed: ${(error as Error).message}. The next restore or undo tries again.`,
      );
    }
  }

  function ofKilled({ state, journal }: SavedRestore): string {
    const what = state === 'begun' || state === 'staging' ? 'restore' : 'undo of the restore';
    return `The ${what} of ${journal.liferaft} of ${journal.at} was killed before it had ended.`;
  }

  const allPutBack = 'Everything that it had changed was put back as it was before the restore.';

  async function finishKilled(asker: AlphornHost, warn: Warn): Promise<void> {
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

  async function undo(asker: AlphornHost, force: boolean, warn: Warn): Promise<Undone> {
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
      // putBack() reports it after everything else was put back.
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
      // Somebody may have changed since what the restore had not reached.
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
