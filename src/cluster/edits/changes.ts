import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import type { AuditedRequest, AuditEntry, AuditLog } from '../../changes/audit/audit.ts';
import { Fault } from '../../kit/fault.ts';
import type { Run } from '../../kit/exec.ts';
import type { Host } from '../../kit/host.ts';
import type { KnownSecrets } from '../../kit/secrets/known-secrets.ts';
import type { Lock } from '../../changes/lock.ts';
import { waitUntilIdle } from '../../pacemaker/idle.ts';
import type { Cib, TransientAttribute } from '../../parsers/cib.ts';
import type { PlannedAction } from '../../parsers/crm-simulate.ts';
import { childToEdit } from '../../parsers/xml-edit.ts';
import { maskArgv } from '../../kit/secrets/masking.ts';
import type { ReversibleStep, UndoStore } from '../../changes/undo.ts';
import type { ConfigurationReader } from '../configuration.ts';
import { type FindStoppedDaemons, sentenceOf } from '../daemons.ts';
import type { HeldBack, Seen } from '../why/obstacles.ts';
import { disappointmentsOf, type ExpectedResource } from '../why/outcome.ts';
import type { StateReader } from '../state.ts';
import { type CibEdit, configurationIn } from './engine/cib-edit.ts';
import type { CibEditor } from './engine/cib-editor.ts';
import { heldBackIn } from '../why/held-back.ts';
import type { RecordedDifference } from './engine/recorded-differences.ts';

/** A change of the cluster: what is to become of it. */
export interface Change<T> {
  /**
   * What it makes of the CIB. A change without one cannot be tried; one that has it does nothing but read before its
   * first `editCib`.
   */
  edit?: CibEdit;
  /** Its later edits of the CIB. Each is made when the cluster has finished what the one before led to. */
  later?: readonly CibEdit[];
  /** An attribute of a node that it ends in the state of the cluster, beside its edit. */
  endsTransient?: TransientAttribute;
  /** Takes its first edit back, where a later step is refused or fails. */
  takeBack?: CibEdit;
  /**
   * Refuses it for what the cluster would do after each edit; changes nothing. What is tried and what is made are
   * judged alike.
   */
  check?: (host: Host, plans: readonly (readonly PlannedAction[])[]) => Promise<unknown>;
  /** Whether it leaves the configuration as it is, whose version need not be read again then. */
  leavesConfiguration?: boolean;
  /** Whether it concerns this host alone: the cluster is asked nothing, and the change has no version of a configuration. */
  withoutCluster?: boolean;
  /** Carries it out, and gives the answer. */
  carryOut: (site: Site) => Promise<T>;
  /** Of those with the same word, none is taken on while another waits or is carried out. */
  alone?: string;
  /** Whether it is carried out beside others, and not after them. */
  beside?: boolean;
  /** Whether there is a cluster to wait for then; `running` if nothing is said. */
  afterwards?: 'running' | 'maybe stopped';
  /** What a resource is to be afterwards. Where it is not, a warning says why. */
  expects?: ExpectedResource;
  /** Whether it waits for that itself. */
  waitsForResource?: boolean;
}

/** What a change has at hand while it is carried out. */
export interface Site {
  /** Each command that it runs goes into the record. */
  host: Host;
  /** Simulates these edits and returns the cluster's actions after each. Faults: those of CibEditor. */
  plan: (edits: readonly CibEdit[]) => Promise<PlannedAction[][]>;
  /** The CIB, read after all changes before this one. Faults: those of ConfigurationReader. */
  cib: () => Promise<Cib>;
  /**
   * Makes an edit, and puts it in place; the first is made only if the version is the one that was asked for.
   * @returns the whole CIB as the edit found it
   * Faults: those of the edit and of CibEditor.
   */
  editCib: (edit: CibEdit) => Promise<string>;
  /**
   * Waits until the cluster has nothing left to do.
   * @returns whether it came to that in time; if not, the answer says so
   * Faults: those of waitUntilIdle.
   */
  settle: () => Promise<boolean>;
  /** Something else that was begun goes on. */
  notSettled: () => void;
  /** For what the caller should know of a change that was made. */
  warn: (text: string) => void;
}

/** Who asks for a change, and on which conditions. */
export interface Asked {
  request: AuditedRequest;
  /** The version of the configuration that it is meant for (`ADMIN_EPOCH.EPOCH`). */
  ifVersion: string | undefined;
  /** For how long to wait until the cluster is idle. */
  waitMs: number | undefined;
}

/** A change that was made. */
export interface Made<T> {
  answer: T;
  /** Whether the cluster has done all that follows from it, as far as that was waited for. */
  settled: boolean;
  /** Whether its resource is what the change wanted, as far as that was waited for. */
  asExpected: boolean;
  warnings: readonly string[];
  /** The version of the configuration after it, if that can be told. */
  version: string | undefined;
}

/** A change that was only tried. */
export interface Tried {
  dry_run: true;
  /** The version of the configuration that it was tried on. */
  version: string;
  /** What the cluster would do. */
  actions: readonly PlannedAction[];
  /** What would become of the CIB. */
  changes: readonly RecordedDifference[];
  warnings: readonly string[];
}

export interface Changes {
  /**
   * Makes a change, after those that were asked for before it, and records it.
   * Faults: `too_many_changes`, `stopping`, `stack_busy`, `version_changed`, `audit_failed`, `no_space`, those of the
   * change. That a change which was made cannot be recorded is none, but a warning.
   */
  make<T>(asked: Asked, change: Change<T>): Promise<Made<T>>;
  /**
   * Tells what a change would do; nothing is changed, and nobody is waited for.
   * Faults: `cannot_be_tried`, `version_changed`, those of the edit and of `check`.
   */
  try(asked: Asked, change: Change<unknown>): Promise<Tried>;
  /**
   * Begins no further change and refuses those that wait with `stopping`. Stops all waiting for the cluster.
   * @returns when no change is under way; of one that takes longer than `maxStopMs` the end is not waited for
   */
  stop(): Promise<void>;
}

export interface ChangesParts {
  host: Host;
  lock: Lock;
  audit: AuditLog;
  undo: UndoStore;
  configuration: ConfigurationReader;
  state: StateReader;
  editor: CibEditor;
  secrets: KnownSecrets;
  findStoppedDaemons: FindStoppedDaemons;
  /** Makes readers look anew at what a change may have touched. */
  forgetState: () => void;
}

/** Milliseconds that a change which is under way may take to end: its command's, and some for its record and answer. */
export function maxStopMs({ changeDeadlineMs }: Pick<Host, 'changeDeadlineMs'>): number {
  return changeDeadlineMs + 10_000;
}

/** A change of the CIB that is its edit and nothing more. */
export function cibChange<T>(edit: CibEdit, answer: T): Change<T> {
  return {
    edit,
    async carryOut(site) {
      await site.editCib(edit);
      return answer;
    },
  };
}

/** The same of one after which a resource is to run, unless it is configured to be stopped. */
export function cibChangeOf<T>(expects: ExpectedResource, edit: CibEdit, answer: T): Change<T> {
  return { ...cibChange(edit, answer), expects };
}

export function makeChanges(parts: ChangesParts): Changes {
  const { host, lock, audit, undo, configuration, state, editor, secrets } = parts;
  const { findStoppedDaemons, forgetState } = parts;

  const underWay = new Set<string>();
  const stop = new AbortController();

  async function carryOut<T>(
    asked: Asked,
    change: Change<T>,
  ): Promise<{ made: Made<T>; heldBack: HeldBack | undefined }> {
    const { request, ifVersion } = asked;
    let reading: ReturnType<ConfigurationReader['get']> | undefined;
    const read = () => (reading ??= configuration.renew());
    if (ifVersion !== undefined) checkVersion(ifVersion, await versionOf(read()));
    const id = randomUUID();
    const recorded = audit.record({ id, ...request, outcome: 'begun' });
    // Whoever waits for it is told.
    recorded.catch(() => undefined);
    const { run, commands } = recordingRun(host.run);
    const warnings: string[] = [];
    const warn = (text: string) => warnings.push(text);
    const changes: RecordedDifference[] = [];
    let before: string | undefined;
    let after: string | undefined;
    let settled = true;
    // Of several edits the first alone finds what the caller has seen.
    let expected = ifVersion;
    // The steps that were made, and the one that is about to be, each with its inverse.
    const steps: ReversibleStep[] = [];
    let prepared: ReversibleStep | undefined;
    let heldBack: HeldBack | undefined;
    const prepare = async (step: ReversibleStep) => {
      prepared = step;
      // Both at once, for each waits for the disk.
      const kept = undo.keep(id, [...steps, step]).catch((error: unknown) => {
        // The first step is refused, and nothing was done. A change that is half made is ended all the same.
        if (steps.length === 0) throw error;
        warn('What takes the last step of this change back could not be kept.');
      });
      await Promise.all([recorded, kept]);
    };
    const site: Site = {
      host: { ...host, run },
      cib: async () => (await read()).cib,
      async editCib(edit) {
        const more = { ifVersion: expected, warn, prepare };
        const looking: CibEdit = async (cib, tools) => {
          await edit(cib, tools);
          heldBack =
            change.expects &&
            heldBackIn(childToEdit(cib, 'configuration'), change.expects.resource);
        };
        const replaced = await editor.replace({ ...host, run }, looking, more);
        if (prepared !== undefined) steps.push(prepared);
        prepared = undefined;
        changes.push(...replaced.changes);
        before ??= replaced.before;
        after = replaced.after;
        expected = undefined;
        return replaced.found;
      },
      plan: (edits) => editor.plan({ ...host, run }, edits),
      async settle() {
        settled = await waitUntilIdle({ ...host, run }, host.changeDeadlineMs);
        if (!settled) warnings.push(...(await stopped()));
        return settled;
      },
      notSettled() {
        settled = false;
      },
      warn,
    };

    if (change.withoutCluster) {
      await recorded;
    } else if (change.edit === undefined) {
      // An edit knows it; to ask for it would take longer than most edits.
      [before] = await Promise.all([versionOf(read()), recorded]);
    }
    const ended = async (outcome: Outcome) => {
      forgetState();
      if (!change.withoutCluster) {
        after ??= change.leavesConfiguration ? before : await versionOf(configuration.renew());
      }
      // Of an edit that was refused nobody has said.
      before ??= after;
      try {
        await audit.recordEnd({
          ...{ id, ...request, outcome, commands: secrets.maskJson(commands), before, after },
          ...(changes.length > 0 && { changes: secrets.maskJson(changes) }),
        });
      } catch {
        // What was done is done, and must not look as if it were not; its beginning is on record.
        warn('The end of this change could not be recorded in the audit log.');
      }
      const isNothingMade = steps.length === 0 && madeNothing.includes(outcome);
      // If it stays, it is one more that is of no use; it goes with its age.
      if (prepared && isNothingMade) await undo.forget(id).catch(() => undefined);
      return after;
    };
    let answer: T;
    try {
      answer = await change.carryOut(site);
    } catch (error) {
      const isMade = steps.length > 0;
      expected = undefined;
      const isTakenBack = await takenBack(change, site, isMade || isUnknown(error));
      await ended(error instanceof Fault ? error.code : 'internal_error');
      throw isTakenBack || !isMade ? error : partlyMade(error);
    }
    const version = await ended('success');
    return { made: { answer, settled, asExpected: true, warnings, version }, heldBack };
  }

  /** Why the cluster may not come to rest. */
  async function stopped(): Promise<string[]> {
    const daemons = await findStoppedDaemons();
    return daemons.length === 0 ? [] : [sentenceOf(daemons)];
  }

  /** That nobody can tell is no failure of what was made. */
  async function isIdleWithin(longestMs: number): Promise<boolean> {
    try {
      return await waitUntilIdle(host, longestMs);
    } catch {
      return false;
    }
  }

  /** A service that stops waits for nobody: the answer says that the cluster is still at it. */
  async function idle(longestMs: number): Promise<boolean> {
    if (stop.signal.aborted) return false;
    const over = new AbortController();
    const stopped = once(stop.signal, 'abort', { signal: over.signal }).then(
      () => false,
      () => false,
    );
    try {
      return await Promise.race([isIdleWithin(longestMs), stopped]);
    } finally {
      // Else each change that waits would leave a listener.
      over.abort();
    }
  }

  /** What is known before a change. It is mostly cached, so that who does not wait for the outcome does not wait for it. */
  async function knownBefore(): Promise<Seen | undefined> {
    try {
      const [reading, { cib }] = await Promise.all([state.get(), configuration.get()]);
      return { state: reading.state, cib };
    } catch {
      return undefined;
    }
  }

  /**
   * How the resource that a change is for is not as it wants. That nobody can tell is no failure of the change.
   * @param known before, if the outcome is not waited for
   * @param heldBack what the last edit has left; undefined if there was none
   */
  async function disappointments(
    expects: ExpectedResource,
    known: Promise<Seen | undefined> | undefined,
    heldBack: HeldBack | undefined,
  ): Promise<string[]> {
    // Whether that counts, the cluster alone can say.
    const maySayStopped = expects.isStarted === true && (heldBack?.stopped ?? []).length > 0;
    if (known !== undefined && !maySayStopped) {
      const seen = await known;
      return seen ? disappointmentsOf({ ...seen, heldBack }, expects, 'before') : [];
    }
    try {
      const [reading, { cib, xml }] = await Promise.all([state.renew(), configuration.get()]);
      const seen = {
        ...{ state: reading.state, cib },
        heldBack: heldBack ?? heldBackIn(configurationIn(xml), expects.resource),
      };
      return disappointmentsOf(seen, expects, known === undefined ? 'after' : 'made');
    } catch {
      return [];
    }
  }

  return {
    async make(asked, change) {
      const { alone, beside = false, afterwards = 'running', withoutCluster, expects } = change;
      const isWaitedFor = asked.waitMs !== undefined || change.waitsForResource === true;
      let known: Promise<Seen | undefined> | undefined;
      if (alone !== undefined && underWay.has(alone)) throw busy(alone);
      if (alone !== undefined) underWay.add(alone);
      const work = () => {
        if (expects && !isWaitedFor) known = knownBefore();
        return carryOut(asked, change);
      };
      const { made, heldBack } = await (beside ? lock.runBeside(work) : lock.run(work)).finally(
        () => {
          if (alone !== undefined) underWay.delete(alone);
        },
      );
      if (afterwards === 'maybe stopped' || withoutCluster) return made;
      const { warnings } = made;
      if (asked.waitMs !== undefined && made.settled && !(await idle(asked.waitMs))) {
        return { ...made, settled: false, warnings: [...warnings, ...(await stopped())] };
      }
      if (expects === undefined) return made;
      const found = await disappointments(expects, known, heldBack);
      const asExpected = !isWaitedFor || found.length === 0;
      return { ...made, asExpected, warnings: [...warnings, ...found] };
    },

    async try({ ifVersion }, { edit, later = [], check, endsTransient }) {
      if (edit === undefined) {
        throw new Fault(
          'cannot_be_tried',
          'Only what changes the CIB can be tried first. Nothing was done; ask without dry_run to have it done.',
        );
      }
      const { tried, laterActions } = await editor.try(host, [edit, ...later], {
        ...{ ifVersion, endsTransient },
      });
      await check?.(host, [tried.actions, ...laterActions]);
      return tried;
    },

    async stop() {
      stop.abort();
      await Promise.race([lock.stop(), sleep(maxStopMs(host), undefined, { ref: false })]);
    },
  };
}

function isUnknown(error: unknown): boolean {
  return error instanceof Fault && error.code === 'outcome_unknown';
}

/** @returns whether nothing is left of the first edit of a change that failed */
async function takenBack(
  { takeBack }: Change<unknown>,
  site: Site,
  isMade: boolean,
): Promise<boolean> {
  if (!isMade) return true;
  if (takeBack === undefined) return false;
  try {
    await site.editCib(takeBack);
    return true;
  } catch {
    // Why the change failed is what the caller has to know.
    return false;
  }
}

/**
 * Adds to the fault of a later edit that the first edit was made. The fault knows only its own edit, so its message may say
 * that nothing was done.
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

function busy(what: string): Fault {
  return new Fault(
    'stack_busy',
    `A ${what} is under way on this node already. GET /api/v2/system/ha/services says when it is over.`,
  );
}

/** Faults: `version_changed` */
export function checkVersion(expected: string, found: string | undefined): void {
  if (found === expected) return;
  throw new Fault(
    'version_changed',
    `The configuration is at version ${found ?? 'unknown'} now, not ${expected}. Nothing was done. Read it again, see whether the change is still what you want, and ask with the new ETag.`,
  );
}

/** A cluster that is stopped on a node without a CIB has no version; what is done then needs none. */
async function versionOf(
  reading: ReturnType<ConfigurationReader['get']>,
): Promise<string | undefined> {
  try {
    return (await reading).cib.version;
  } catch {
    return undefined;
  }
}

type Outcome = AuditEntry['outcome'];

/** With these, an edit was not put in place; with others that may be unknown. */
const madeNothing: readonly Outcome[] = [
  ...(['cluster_refused', 'changed_meanwhile', 'cluster_not_running'] as const),
  ...(['version_changed', 'no_space', 'audit_failed', 'stored_otherwise'] as const),
];

/** Keeps what was run, its secrets masked. */
function recordingRun(run: Run): { run: Run; commands: string[][] } {
  const commands: string[][] = [];
  return {
    commands,
    run: (command) => {
      commands.push(maskArgv(command.argv));
      return run(command);
    },
  };
}
