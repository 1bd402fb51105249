import type { Attempt, Change, ChangeRequest, ChangeSite } from '../../../changes/change.ts';
import { Fault } from '../../../kit/fault.ts';
import { childToEdit } from '../../../parsers/xml-edit.ts';
import type { ConfigurationReader } from '../../reading/configuration.ts';
import { heldBackIn } from '../../why/held-back.ts';
import type { HeldBack, Seen } from '../../why/obstacles.ts';
import { waitUntilIdle } from '../../../pacemaker/idle.ts';
import type { ClusterChange, Site } from '../cluster-change.ts';
import type { CibEdit } from './cib-edit.ts';
import type { CibEditor } from './cib-editor.ts';
import { type FollowParts, makeFollower } from './follow.ts';
import type { RecordedDifference } from './recorded-differences.ts';
import type { ReversibleStep, UndoStore } from './undo.ts';
import { checkVersion } from './version.ts';

export interface ClusterChangesParts extends FollowParts {
  undo: UndoStore;
  editor: CibEditor;
  /** Makes readers read again what a change may have touched. */
  forgetState: () => void;
}

/** Turns changes of the cluster into changes for the pipeline, which knows no CIB. */
export type ClusterChanges = <T>(change: ClusterChange<T>) => Change<T>;

/**
 * The result's faults, next to those of the change: `version_changed`, those of CibEditor and of `check`.
 */
export function makeClusterChanges(parts: ClusterChangesParts): ClusterChanges {
  const { host, editor } = parts;
  return (change) => {
    const { edit, later = [], check, endsTransient, alone } = change;
    return {
      ...(alone !== undefined && { alone }),
      hasVersion: true,
      begin: (request) => beginAttempt(parts, change, request),
      ...(edit && {
        async try({ ifVersion }) {
          const { tried, laterActions } = await editor.try(host, [edit, ...later], {
            ifVersion,
            endsTransient,
          });
          const { version, actions, changes, warnings } = tried;
          await check?.(host, [actions, ...laterActions]);
          return { version, effects: { actions, changes }, warnings };
        },
      }),
    };
  };
}

function beginAttempt<T>(
  { host, undo, configuration, editor, forgetState, ...more }: ClusterChangesParts,
  change: ClusterChange<T>,
  { ifVersion, waitMs }: ChangeRequest,
): Attempt<T> {
  const follower = makeFollower({ host, configuration, ...more });
  let reading: ReturnType<ConfigurationReader['get']> | undefined;
  const read = () => (reading ??= configuration.renew());
  let known: Promise<Seen | undefined> | undefined;
  const changes: RecordedDifference[] = [];
  let id: string | undefined;
  let before: string | undefined;
  let after: string | undefined;
  let settled = true;
  // Only the first of several edits finds the version that the caller has seen.
  let expected = ifVersion;
  // The steps that were made, and the one that is about to be made. Each has its inverse.
  const steps: ReversibleStep[] = [];
  let prepared: ReversibleStep | undefined;
  let heldBack: HeldBack | undefined;

  function siteOf({ id, run, recorded, warn }: ChangeSite): Site {
    const recording = { ...host, run };
    const prepare = async (step: ReversibleStep) => {
      prepared = step;
      // Both run at the same time, because each waits for the disk.
      const saved = undo.keep(id, [...steps, step]).catch((error: unknown) => {
        // A first step is refused, because nothing was done yet. A change that has begun is finished without its inverse.
        if (steps.length === 0) throw error;
        warn('The inverse of the last step could not be saved, so this change cannot be undone.');
      });
      await Promise.all([recorded, saved]);
    };
    return {
      host: recording,
      cib: async () => (await read()).cib,
      async editCib(edit) {
        const watched: CibEdit = async (cib, tools) => {
          await edit(cib, tools);
          heldBack =
            change.expects &&
            heldBackIn(childToEdit(cib, 'configuration'), change.expects.resource);
        };
        const more = { ifVersion: expected, warn, prepare };
        const replaced = await editor.replace(recording, watched, more);
        if (prepared !== undefined) steps.push(prepared);
        prepared = undefined;
        changes.push(...replaced.changes);
        before ??= replaced.before;
        after = replaced.after;
        expected = undefined;
        return replaced.found;
      },
      plan: (edits) => editor.plan(recording, edits),
      async settle() {
        settled = await waitUntilIdle(recording, host.changeDeadlineMs);
        if (!settled) (await follower.stopped()).forEach(warn);
        return settled;
      },
      notSettled() {
        settled = false;
      },
      warn,
    };
  }

  return {
    async admit() {
      const isWaitedFor = waitMs !== undefined || change.waitsForResource === true;
      if (change.expects && !isWaitedFor) known = follower.knownBefore();
      if (ifVersion !== undefined) checkVersion(ifVersion, await versionOf(read()));
    },

    async carryOut(changeSite) {
      id = changeSite.id;
      const site = siteOf(changeSite);
      if (change.edit === undefined) {
        // An edit finds the version itself. Reading it here would take longer than most edits.
        [before] = await Promise.all([versionOf(read()), changeSite.recorded]);
      }
      try {
        return await change.carryOut(site);
      } catch (error) {
        const isMade = steps.length > 0;
        expected = undefined;
        const isTakenBack = await takenBack(change, site, isMade || isUnknown(error));
        throw isTakenBack || !isMade ? error : partlyMade(error);
      }
    },

    async ended(outcome) {
      forgetState();
      after ??= change.leavesConfiguration ? before : await versionOf(configuration.renew());
      // An edit that was refused has not reported it.
      before ??= after;
      const isNothingMade = steps.length === 0 && madeNothing.includes(outcome);
      // A file that stays is harmless, and is removed when it is old.
      if (id && prepared && isNothingMade) await undo.forget(id).catch(() => undefined);
      return { before, after, changes };
    },

    follow: (stopping) => follower.follow(change, { waitMs, settled, known, heldBack }, stopping),
  };
}

function isUnknown(error: unknown): boolean {
  return error instanceof Fault && error.code === 'outcome_unknown';
}

/** @returns whether nothing is left of the first edit of a failed change */
async function takenBack(
  { takeBack }: ClusterChange<unknown>,
  site: Site,
  isMade: boolean,
): Promise<boolean> {
  if (!isMade) return true;
  if (takeBack === undefined) return false;
  try {
    await site.editCib(takeBack);
    return true;
  } catch {
    // The caller should see why the change failed, not why it could not be taken back.
    return false;
  }
}

/**
 * Adds to the fault of a later edit that the first edit was made. The fault knows only its own edit, so its message may
 * say that nothing was done.
 */
function partlyMade(error: unknown): unknown {
  if (!(error instanceof Fault)) return error;
  return new Fault(
    error.code,
    `The first part of this change was made, and the audit log has it. About the rest: ${error.message}`,
    {
      ...(error.command && { command: error.command }),
      ...(error.retryAfterSeconds !== undefined && { retryAfterSeconds: error.retryAfterSeconds }),
    },
  );
}

/** A stopped cluster on a node without a CIB has no version, and its changes need none. */
async function versionOf(
  reading: ReturnType<ConfigurationReader['get']>,
): Promise<string | undefined> {
  try {
    return (await reading).cib.version;
  } catch {
    return undefined;
  }
}

/** With these outcomes, an edit was certainly not made. */
const madeNothing: readonly string[] = [
  'cluster_refused',
  'changed_meanwhile',
  'cluster_not_running',
  'version_changed',
  'no_space',
  'audit_failed',
  'stored_otherwise',
];
