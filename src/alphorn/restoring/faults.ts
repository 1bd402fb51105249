import { Fault } from '../../kit/fault.ts';
import type { SavedRestore } from './restore-journal.ts';
import type { PutBack } from './steps/put-back.ts';

const maxListed = 20;

/** One a line, as many as a person reads. */
export function listed(lines: readonly string[]): string {
  const more = lines.length > maxListed ? ['…'] : [];
  return [...lines.slice(0, maxListed), ...more].join('\n');
}

export function nothingToUndo(): Fault {
  return new Fault(
    'nothing_to_undo',
    'Nothing was restored on this host that was not taken back already. Nothing was done.',
  );
}

export function changedSince(paths: readonly string[]): Fault {
  return new Fault(
    'changed_since_restore',
    `${paths.length} of the restored paths have changed since. Nothing was done. To put them back nevertheless, ask with 'force'; what they are now is kept then.\n${listed(paths)}`,
  );
}

export function otherRoot({ folder }: Pick<SavedRestore, 'folder'>, root: string): Fault {
  return new Fault(
    'restore_failed',
    `What is at ${root} is not the folder that was restored into. Nothing was done, and what was there is kept in ${folder}. Mount it at ${root} again, and ask again.`,
  );
}

/** What is not as it was before a restore, and where its copies are. */
export function stillLeft({ folder, journal }: SavedRestore, { left }: PutBack): string {
  const next = left.some(({ isChanged }) => isChanged)
    ? "'hactl alphorn undo --force' puts back those that were changed"
    : "put that right, and 'hactl alphorn undo' tries again";
  const paths = left.map(({ path, why }) => `${path}: ${why}`);
  return `${left.length} of ${journal.steps.length} paths could not be put back as they were before the restore; all others are. What was there is kept in ${folder}; ${next}.\n${listed(paths)}`;
}

/**
 * A restore that was not taken back whole.
 * @param error why it was to be taken back, if it failed itself
 */
export function notPutBack(saved: SavedRestore, outcome: PutBack, error?: unknown): Fault {
  const isChanged = error === undefined && outcome.left.every((each) => each.isChanged);
  const why = error instanceof Error ? `${error.message.split('. ')[0] ?? ''}. ` : '';
  return new Fault(
    isChanged ? 'changed_since_restore' : 'restore_failed',
    `${why}${stillLeft(saved, outcome)}`,
  );
}
