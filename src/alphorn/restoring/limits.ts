import type { AlphornHost } from '../paths.ts';
import { Fault } from '../../kit/fault.ts';
import {
  type DamagedRestore,
  forget,
  idOf,
  isHalfDone,
  type SavedRestore,
  type Step,
} from './restore-journal.ts';

/**
 * Limits of what restores save. Regardless of them, the latest restore that can be undone stays, and so does one that
 * is half done, partly undone or damaged, because its copies may be the only ones.
 */
export interface KeepLimits {
  /** How many restores. */
  restores: number;
  /** Bytes of the copies of all restores. */
  bytes: number;
  days: number;
}

export const keepLimits: KeepLimits = { restores: 10, bytes: 1024 ** 3, days: 90 };

const dayMs = 24 * 3600 * 1000;

/** A restore that is to be deleted, and why. */
export interface Beyond {
  saved: SavedRestore;
  why: string;
}

/**
 * Finds the restores that exceed the limits, the oldest first. With each, all older ones go, because an undo goes back
 * restore by restore and must find no gap.
 * @param all in their order
 */
export function beyondLimits(
  all: readonly (SavedRestore | DamagedRestore)[],
  limits: KeepLimits,
  now: Date,
): Beyond[] {
  const settled = all.filter(
    (each): each is SavedRestore =>
      each.state !== 'damaged' && each.state !== 'partial' && !isHalfDone(each),
  );
  const latest = settled.findLastIndex(({ state }) => state !== 'undone');
  const isTooOld = (at: number, seen: number) => seen - at > limits.days * dayMs;
  let bytes = 0;
  for (let index = settled.length - 1; index >= 0; index -= 1) {
    const saved = settled[index] as SavedRestore;
    const at = Date.parse(saved.journal.at);
    bytes += bytesOf(saved);
    let why: string | undefined;
    if (settled.length - index > limits.restores) why = `there are ${limits.restores} later ones`;
    else if (bytes > limits.bytes)
      why = `it and the later ones have more than ${limits.bytes} bytes`;
    else if (
      isTooOld(at, now.getTime()) &&
      // The clock may be wrong for a while, so a later restore, at least a day ago, must have found it too old as well.
      settled.slice(index + 1).some(({ journal }) => {
        const seen = Date.parse(journal.at);
        return isTooOld(at, seen) && now.getTime() - seen >= dayMs;
      })
    )
      why = `it is older than ${limits.days} days`;
    if (why === undefined || (latest >= 0 && index >= latest)) continue;
    const reason = why;
    return settled.slice(0, index + 1).map((each) => ({ saved: each, why: reason }));
  }
  return [];
}

/** Bytes of the copies of a restore. */
export function bytesOf({ journal }: SavedRestore): number {
  return journal.steps
    .flatMap(({ before, changed = [] }) => [before, ...changed.map(({ what }) => what)])
    .reduce((sum, what) => sum + sizeOf(what), 0);
}

function sizeOf(what: Step['before']): number {
  return what?.kind === 'file' ? what.size : 0;
}

/**
 * Deletes these restores, each after a line in the journal of the system.
 * @param host its runner writes the line
 * Faults: those of the run; `tool_failed` if the line was not written. Restores that were not deleted yet stay.
 */
export async function dropBeyond(host: AlphornHost, beyond: readonly Beyond[]): Promise<void> {
  for (const { saved, why } of beyond) {
    const { liferaft, at, steps } = saved.journal;
    const id = idOf(saved);
    const line = `Dropping what restore ${id} (of ${liferaft}, ${at}) replaced: ${steps.length} paths, ${bytesOf(saved)} bytes in ${saved.folder}, for ${why}.`;
    // logger(1): 0 when the line was handed over.
    const argv = ['logger', '--tag', 'alphorn', '--priority', 'daemon.notice', '--', line] as const;
    const { exitCode, stderr } = await host.run({ argv, deadlineMs: host.changeDeadlineMs });
    if (exitCode !== 0) {
      throw new Fault('tool_failed', `restore ${id} could not be announced in the journal`, {
        command: { argv, exitCode, stderr },
      });
    }
    await forget(saved);
  }
}
