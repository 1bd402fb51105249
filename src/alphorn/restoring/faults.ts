import { Fault } from '../../kit/fault.ts';
import type { SavedRestore } from './restore-journal.ts';
import type { PutBack } from './steps/put-back.ts';

const maxListed = 20;

/** One line each, up to as many as a person reads. */
export function listed(lines: readonly string[]): string {
  const more = lines.length > maxListed ? ['…'] : [];
  return [...lines.slice(0, maxListed), ...more].join('\n');
}

export function nothingToUndo(): Fault {
  return new Fault(
    'nothing_to_undo',
    'There is no restore on this host to undo. Nothing was done.',
  );
}

export function changedSince(paths: readonly string[]): Fault {
  return new Fault(
    'changed_since_restore',
    `${paths.length} of the restored paths have changed since. Nothing was done. To put them back anyway, use 'force'; their present state is saved first.\n${listed(paths)}`,
  );
}

export function otherRoot({ folder }: Pick<SavedRestore, 'folder'>, root: string): Fault {
  return new Fault(
    'restore_failed',
    `The folder at ${root} is not the one that was restored into. Nothing was done, and what was there is saved in ${folder}. Mount the right one at ${root}, and try again.`,
  );
}

/** Says which paths are not as they were before a restore, and where their copies are. */
export function stillLeft({ folder, journal }: SavedRestore, { left }: PutBack): string {
  const next = left.some(({ isChanged }) => isChanged)
    ? "'hactl alphorn undo --force' puts back those that were changed"
    : "correct that, and 'hactl alphorn undo' tries again";
  const paths = left.map(({ path, why }) => `${path}: ${why}`);
  return `${left.length} of ${journal.steps.length} paths could not be put back as they were before the restore; all others were. What was there is saved in ${folder}; ${next}.\n${listed(paths)}`;
}

/**
 * A restore was not taken back completely.
 * @param error why it had to be taken back, if it failed itself
 */
export function notPutBack(saved: SavedRestore, outcome: PutBack, error?: unknown): Fault {
  const isChanged = error === undefined && outcome.left.every((each) => each.isChanged);
  const why = error instanceof Error ? `${error.message.split('. ')[0] ?? ''}. ` : '';
  return new Fault(
    isChanged ? 'changed_since_restore' : 'restore_failed',
    `${why}${stillLeft(saved, outcome)}`,
  );
}
