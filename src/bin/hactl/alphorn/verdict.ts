import type { DestinationStatus } from '../../../alphorn/sending/daemon-status.ts';
import type { ListedRestore, RestoreState } from '../../../alphorn/restoring/saved-restores.ts';
import type { AlphornStatus } from '../../../alphorn/status.ts';
import { debianPaths } from '../../wiring/paths.ts';
import type { Ending } from '../exit-codes.ts';

const { settings } = debianPaths.alphorn;

/** Something that is not well with Alphorn on this host. */
export interface Finding {
  level: Level;
  /** What is wrong and what to do next, for people. */
  text: string;
}

/** The worst level comes first. A failure is worse than an unknown state, as with monitoring plugins. */
const levels = ['failing', 'unknown', 'warning'] as const satisfies readonly Ending[];
export type Level = (typeof levels)[number];

/** A sync answers without `unfinishedRestores`. */
export type JudgedStatus = Omit<AlphornStatus, 'unfinishedRestores'> &
  Partial<Pick<AlphornStatus, 'unfinishedRestores'>>;

/**
 * Judges the state of Alphorn as a monitoring plugin does. docs/alphorn.md, "Watch it", has the rules as a table.
 * @returns what is not well, the worst first; nothing if all is well
 */
export function findingsOf(status: JudgedStatus): Finding[] {
  const found = [
    ...ofSender(status),
    ...(status.liferaft ? ofLeftOut(status.liferaft) : []),
    ...status.destinations.flatMap(ofDestination),
    ...(status.unfinishedRestores ?? []).map(ofRestore),
  ];
  return levels.flatMap((level) => found.filter((each) => each.level === level));
}

function ofSender({ running, enabled, error, destinations }: JudgedStatus): Finding[] {
  const found: Finding[] = [];
  if (error) found.push({ level: 'failing', text: error.detail });
  if (!enabled) {
    found.push({
      level: 'warning',
      text: `Sending is not enabled, so other hosts get no copy of this one: set "enabled" and "destinations" in ${settings} on each node of the cluster.`,
    });
  } else if (!running) {
    found.push({
      level: 'unknown',
      text: "Alphorn does not run on this host, so only the node that runs it can tell whether the destinations have the liferaft: 'pcs status' shows which one that is.",
    });
  } else if (destinations.length === 0) {
    found.push({
      level: 'warning',
      text: `There is no destination, so nothing is sent: set "destinations" in ${settings} on each node of the cluster.`,
    });
  }
  return found;
}

function ofLeftOut({ leftOut, leftOutMore }: NonNullable<AlphornStatus['liferaft']>): Finding[] {
  const count = leftOut.length + leftOutMore;
  if (count === 0) return [];
  return [
    {
      level: 'warning',
      text: `${count} of the paths that the rules include are not in the liferaft, or not as they are now: 'hactl alphorn status' lists them with the reason.`,
    },
  ];
}

function ofDestination({ destination, state, lastError }: DestinationStatus): Finding[] {
  if (!Object.hasOwn(judgedStates, state)) {
    const text = `${destination} is ${state}, which this version of hactl does not know: update the package.`;
    return [{ level: 'unknown', text }];
  }
  const judged = judgedStates[state];
  if (judged === undefined) return [];
  const why = state === 'failing' && lastError ? lastError.detail : judged.hint;
  return [{ level: judged.level, text: `${destination} is ${state}: ${why}` }];
}

/** Undefined if nothing is wrong. */
const judgedStates: Readonly<
  Record<DestinationStatus['state'], { level: Level; hint: string } | undefined>
> = {
  synced: undefined,
  self: undefined,
  pending: { level: 'warning', hint: 'it gets the current liferaft next; ask again in a minute.' },
  lacking: { level: 'failing', hint: 'it has the current liferaft, which is not whole.' },
  failing: { level: 'failing', hint: "'hactl alphorn status' shows why." },
};

function ofRestore({ id, state, problem = `Restore ${id} is ${state}.` }: ListedRestore): Finding {
  return { level: levelOfRestore[state], text: problem };
}

/** A host between two states is a failure. A restore that somebody works on, or has decided about, is a warning. */
const levelOfRestore: Readonly<Record<RestoreState, Level>> = {
  half_restored: 'failing',
  half_undone: 'failing',
  damaged: 'failing',
  partly_undone: 'warning',
  under_way: 'warning',
  done: 'warning',
  undone: 'warning',
};
