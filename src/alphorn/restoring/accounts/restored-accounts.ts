import type { AlphornPaths } from '../../paths.ts';
import type { LiferaftFile } from '../../format/liferaft-file.ts';
import { isIn } from '../../format/paths.ts';
import { ownersIn, textsHere, textsIn, withReadableNames } from './account-texts.ts';
import { failingUnits } from './failing-units.ts';
import { type Handover, planHandovers, special } from './handover.ts';
import { type AccountFile, accountFiles } from './merge/account-files.ts';
import { mergeAccounts, type MergedAccounts } from './merge/merge.ts';
import { findOwned, type OwnedFile, type SearchLimits, searchLimits } from './owned-files.ts';
import { withTexts } from './renumbered-liferaft.ts';
import { type AccountsReport, listOf, ownerText } from './report.ts';

/** A liferaft as it will be restored on this host, and what else has to be done. */
export interface RestoredAccounts {
  /** The liferaft with the lists as they will be here, and with the numbers that owners will have here. */
  file: LiferaftFile;
  /** Left out if no account changes, and nothing that depends on one. */
  report?: AccountsReport;
  /**
   * Writes down which files will be handed over, before anything is changed. @param folder the folder of the restore
   */
  plan: (folder: string) => Promise<void>;
}

/**
 * Merges the accounts of a liferaft with those of this host (see merge.ts), and reports what that changes.
 * @param chosen the paths that are restored; all if left out
 * @param replace whether to take the liferaft's lists as they are
 */
export async function restoreAccounts(
  file: LiferaftFile,
  chosen: readonly string[] | undefined,
  { root }: Pick<AlphornPaths, 'root'>,
  replace = false,
  limits: SearchLimits = searchLimits,
): Promise<RestoredAccounts> {
  const { manifest } = file;
  const isChosen = ({ path }: { path: string }) =>
    chosen === undefined || chosen.some((each) => isIn(path, each));
  const lists = manifest.files.filter(({ path }) => isList(path));
  const restored = new Set(lists.filter(isChosen).map(({ path }) => path as AccountFile));
  const here = await textsHere(root);
  const merged = withReadableNames(
    mergeAccounts({
      here,
      liferaft: await textsIn(file, lists),
      restored,
      replace,
      owners: ownersIn(manifest),
    }),
  );
  const leaves = new Set([...manifest.files, ...manifest.links].filter(isChosen).map(pathOf));
  const { users, groups } = merged.numbers;
  const affects = ({ uid, gid }: OwnedFile) =>
    users.moved.has(uid) || groups.moved.has(gid) || users.gone.has(uid) || groups.gone.has(gid);
  const isNeeded = [users, groups].some(({ moved, gone }) => moved.size > 0 || gone.size > 0);
  const { found, looked, complete } = isNeeded
    ? await findOwned(root, (each) => !leaves.has(each.path) && affects(each), limits)
    : { found: [], looked: 0, complete: true };
  const handovers = found.map((each) => handoverOf(each, merged));
  const moving = handovers.filter(({ before, after }) => ownerText(before) !== ownerText(after));
  const units = await failingUnits(file, root, isChosen, here, merged);
  const report: AccountsReport = {
    mode: replace ? 'replace' : 'merge',
    changes: merged.changes,
    ranges: merged.ranges,
    handedOver: listOf(moving),
    orphaned: listOf(
      handovers.filter(({ before }) => users.gone.has(before.uid) || groups.gone.has(before.gid)),
    ),
    search: {
      where: `the file system of ${root}, at most ${limits.looked} paths`,
      looked,
      complete,
    },
    units,
  };
  return {
    file: restored.size === 0 ? file : withTexts(file, merged, restored),
    ...([merged.changes, merged.ranges, units].some(({ length }) => length > 0) && { report }),
    plan: (folder) => planHandovers(folder, moving),
  };
}

function isList(path: string): path is AccountFile {
  return (accountFiles as readonly string[]).includes(path);
}

function pathOf({ path }: { path: string }): string {
  return path;
}

function handoverOf({ path, uid, gid, mode }: OwnedFile, { numbers }: MergedAccounts): Handover {
  const after = {
    uid: numbers.users.moved.get(uid) ?? uid,
    gid: numbers.groups.moved.get(gid) ?? gid,
  };
  return { path, before: { uid, gid }, after, ...((mode & special) !== 0 && { mode }) };
}
