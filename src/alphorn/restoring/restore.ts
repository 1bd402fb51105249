import { mkdir } from 'node:fs/promises';

import { makeRun, type Run } from '../../kit/exec.ts';
import type { AlphornHost } from '../paths.ts';
import { makeLog } from '../../kit/log.ts';
import { makeAnswers, makeMounts } from '../collecting/walk/mounts.ts';
import { makeAttributeStore } from '../format/attributes.ts';
import type { LiferaftFile } from '../format/liferaft-file.ts';
import type { LiferaftStore } from '../receiving/store.ts';
import { exchangeAll, makeFolder } from './steps/exchange.ts';
import { orFault } from './path-faults.ts';
import { handOver } from './accounts/handover.ts';
import { warningsOf } from './accounts/report.ts';
import type { PlannedPath } from './diff/difference.ts';
import {
  dropRestores,
  type ListedRestore,
  listRestores,
  unfinishedRestores,
} from './saved-restores.ts';
import { beyondLimits, dropBeyond, type KeepLimits, keepLimits } from './limits.ts';
import { checkPacemaker } from './pacemaker.ts';
import {
  checkBlocks,
  type LiferaftDiff,
  planRestore,
  type RestoreOptions,
  warningsFor,
} from './plan.ts';
import { type SavedRestore, moveOn, readRestores, sweepRestores } from './restore-journal.ts';
import { withRestoreLock } from './restore-lock.ts';
import { changeFolders } from './steps/folders.ts';
import { contentOfNone } from './steps/copies.ts';
import { makeLists } from './steps/lists.ts';
import { prepareRestore } from './steps/prepare.ts';
import { makeTakingBack, type Undone, type Warn } from './steps/take-back.ts';

/** The result of a restore: the former differences. */
export interface Restored extends LiferaftDiff {
  /** The folder with what was replaced; null if there was nothing to do. The API's answers have this key. */
  kept: string | null;
}

/** Restores the configuration of a host from a liferaft. */
export interface Restorer {
  /** Tells what a restore would do. Faults: `liferaft_not_found`, `liferaft_damaged`, `path_not_in_liferaft` */
  diff(name: string, paths?: readonly string[], options?: RestoreOptions): Promise<LiferaftDiff>;
  /**
   * Restores all of these paths, or none. What it replaces is saved.
   * @param host its runner asks for the state of Pacemaker
   * @param paths of the liferaft; a folder stands for everything in it; all if left out
   * Faults: those of diff, `restore_blocked`, `pacemaker_running`, `no_space`, `changed_meanwhile`, `restore_failed`,
   * `restore_busy`
   */
  restore(
    host: AlphornHost,
    name: string,
    paths: readonly string[] | undefined,
    warn: Warn,
    options?: RestoreOptions,
  ): Promise<Restored>;
  /**
   * Puts back what the latest restore replaced, even if that was killed.
   * @param force whether to replace also what was changed since, which is saved, and to put back as much as possible
   * Faults: `nothing_to_undo`; `changed_since_restore` or `restore_failed` if not everything could be put back, and
   * then the copies of the rest stay; `pacemaker_running`, `no_space`, `restore_busy`
   */
  undo(host: AlphornHost, force: boolean, warn: Warn): Promise<Undone>;
  /** Lists the saved restores, the oldest first. */
  listSaved(): Promise<ListedRestore[]>;
  /**
   * Deletes saved restores.
   * @param ids from the list; all if left out
   * @param force whether to delete also those that are half done
   * @returns the ids of those that were deleted
   * Faults: `restore_not_found`, `restore_half_done`, `restore_busy`
   */
  drop(ids: readonly string[] | undefined, force: boolean): Promise<string[]>;
}

/**
 * @param host its paths tell below which root to restore, and where to save what is replaced
 * @param limits of what former restores have saved
 * @param run starts the processes that read and set access control lists, and ask mounted file systems
 */
export function makeRestorer(
  host: AlphornHost,
  store: Pick<LiferaftStore, 'open'>,
  limits: KeepLimits = keepLimits,
  run: Run = makeRun(makeLog('silent')),
): Restorer {
  const paths = host.paths.alphorn;
  const { root, restores } = paths;
  const attributesBelow = (below: string) => makeAttributeStore(below, run);
  const attributes = attributesBelow(root);
  const parts = { paths, attributes, mounts: makeMounts(makeAnswers(run)) };
  const takingBack = makeTakingBack({ root, restores, attributesBelow });

  async function withLiferaft<T>(
    name: string,
    work: (file: LiferaftFile) => Promise<T>,
  ): Promise<T> {
    const file = await store.open(name);
    try {
      return await work(file);
    } finally {
      await file.close();
    }
  }

  async function alone<T>(work: () => Promise<T>): Promise<T> {
    await orFault(restores, () => mkdir(restores, { recursive: true, mode: 0o700 }));
    return withRestoreLock(restores, async () => {
      await sweepRestores(restores);
      return work();
    });
  }

  async function carryOut(
    staging: SavedRestore,
    file: LiferaftFile,
    changing: readonly PlannedPath[],
    warn: Warn,
  ): Promise<void> {
    let saved = staging;
    const lists = makeLists(attributes);
    const touched = new Set<string>();
    const contents = new Map(
      changing.flatMap(({ item }) =>
        'sha256' in item ? [[item.path, () => file.content(item)] as const] : [],
      ),
    );
    try {
      for (const { item, wanted } of changing) {
        const { path } = item;
        if (wanted.kind === 'folder') await makeFolder(root, { ...wanted, path }, lists);
      }
      await exchangeAll(
        root,
        saved.journal.steps.map(({ path, before, after, temporary }) => ({
          path,
          from: before,
          to: after,
          temporary,
          content: contents.get(path) ?? contentOfNone,
        })),
        lists,
        async () => {
          saved = await moveOn(saved, 'begun');
        },
        (path) => touched.add(path),
      );
      await changeFolders(root, saved.folder, attributes);
      await handOver(root, saved.folder);
      await moveOn(saved, 'done');
    } catch (error) {
      throw await takingBack.failed(saved, touched, error, warn);
    }
  }

  /** A failure is only a warning: the restore has succeeded. */
  async function forgetBeyondLimits(asker: AlphornHost, warn: Warn): Promise<void> {
    try {
      await dropBeyond(asker, beyondLimits(await readRestores(restores), limits, new Date()));
    } catch (error) {
      warn(
        `What former restores replaced stays longer than it should, because it could not be removed from ${restores}: ${(error as Error).message}. The next restore tries again.`,
      );
    }
  }

  return {
    diff: (name, chosen, options = {}) =>
      withLiferaft(name, async (opened) => {
        const { diff } = await planRestore(name, opened, chosen, options, parts);
        const unfinished = await unfinishedRestores(paths);
        const warnings = [
          ...(await warningsFor(opened, paths)),
          ...unfinished.flatMap(({ problem }) => problem ?? []),
        ];
        return { ...diff, ...(warnings.length > 0 && { warnings }) };
      }),

    restore: (asker, name, chosen, warn, options = {}) =>
      alone(async () => {
        await takingBack.finishKilled(asker, warn);
        return withLiferaft(name, async (opened) => {
          const { accounts, planned, diff } = await planRestore(
            name,
            opened,
            chosen,
            options,
            parts,
          );
          const { file, report } = accounts;
          checkBlocks(diff.differences);
          await checkPacemaker(asker, root, diff.differences);
          // Each byte is checked before anything is written.
          await file.check();
          const changing = planned.filter(({ difference }) => difference.changes.length > 0);
          const folderChanges = options.folders
            ? planned.flatMap(({ existing }) => existing?.change ?? [])
            : [];
          if (changing.length + folderChanges.length === 0) return { ...diff, kept: null };
          (await warningsFor(file, paths)).forEach(warn);
          if (report) warningsOf(report).forEach(warn);
          const saved = await orFault(restores, () =>
            prepareRestore(paths, attributes, name, accounts, changing, folderChanges),
          );
          await carryOut(saved, file, changing, warn);
          await forgetBeyondLimits(asker, warn);
          return { ...diff, kept: saved.folder };
        });
      }),

    undo: (asker, force, warn) => alone(() => takingBack.undo(asker, force, warn)),

    listSaved: () => listRestores(paths),

    drop: (ids, force) => alone(() => dropRestores(restores, ids, force)),
  };
}
