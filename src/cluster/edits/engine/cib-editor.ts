import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Fault } from '../../../kit/fault.ts';
import type { ClusterHost } from '../../paths.ts';
import { inMemoryFolder } from '../../../kit/files/memory-files.ts';
import { queryWholeCib } from '../../../pacemaker/cib/cib.ts';
import { hasRoomForCib, noRoomForCib } from '../../../pacemaker/cib/cib-disk.ts';
import { type CibDifference, cibDifferences } from '../../../pacemaker/cib/cib-differences.ts';
import { cibPatch, patchCib } from '../../../pacemaker/cib/cib-patch.ts';
import type { LostCharactersReader } from '../../../pacemaker/cib/lost-characters.ts';
import type { SentPatch } from '../../../pacemaker/cib/sent-patch.ts';
import { simulateTransition } from '../../../pacemaker/simulate.ts';
import {
  isOfCluster,
  nextVersionOfCib,
  type TransientAttribute,
  versionOfCib,
  withoutStatus,
  withoutTransient,
  withStatusOf,
} from '../../../parsers/cib/text.ts';
import type { PlannedAction } from '../../../parsers/crm-simulate.ts';
import { type EditableXml, parseEditableXml, writeXml } from '../../../parsers/xml-edit.ts';
import { isLargeCib, largeCib } from '../../reading/configuration.ts';
import type { CibEdit, EditTools } from './cib-edit.ts';
import type { CheckPatch } from './patch-check.ts';
import { type RecordedDifference, recordedDifference } from './recorded-differences.ts';
import { arePlain, checkStorable } from './storable.ts';
import type { ReversibleStep } from './undo.ts';
import { checkVersion } from './version.ts';

/**
 * Changes the CIB by way of a copy. An edit changes the copy; then the differences are sent to the cluster in one patch,
 * or the scheduler simulates their effect.
 */
export interface CibEditor {
  /**
   * @param more `prepare`: the patch is sent after it is fulfilled. It is called again if the edit has to be made again
   * @returns the differences, the versions before and after, and the whole CIB before the edit
   * Faults: `node_joining`, `version_changed`, `change_too_large`, `changed_meanwhile`, `stored_otherwise`, those of the
   * edit, of checkStorable, of queryWholeCib, of patchCib (`outcome_unknown` only if the CIB does not show the change
   * either), of CheckPatch and of `prepare`.
   */
  replace(
    host: ClusterHost,
    edit: CibEdit,
    more: {
      ifVersion: string | undefined;
      prepare: (step: ReversibleStep) => Promise<void>;
      warn: (text: string) => void;
    },
  ): Promise<{ changes: RecordedDifference[]; before: string; after: string; found: string }>;
  /**
   * @param edits the first edit of the change, and its later ones, each made when the cluster is idle again
   * @param more `endsTransient`: a transient attribute that the change ends
   * @returns the effect of the first edit, and the cluster's actions after each of the others
   * Faults: `node_joining`, `version_changed`, `change_too_large`, those of the edits, of checkStorable, of
   * queryWholeCib and of simulateTransition.
   */
  try(
    host: ClusterHost,
    edits: readonly [CibEdit, ...CibEdit[]],
    more: { ifVersion: string | undefined; endsTransient: TransientAttribute | undefined },
  ): Promise<{ tried: TriedEdit; laterActions: PlannedAction[][] }>;
  /**
   * The cluster's actions after each of these edits, each made when the cluster is idle again.
   * Faults: those of the edits, of queryWholeCib and of simulateTransition.
   */
  plan(host: ClusterHost, edits: readonly CibEdit[]): Promise<PlannedAction[][]>;
}

/** An edit that was only tried. */
export interface TriedEdit {
  /** The version of the configuration that it was tried on. */
  version: string;
  /** The actions that the cluster would take. */
  actions: readonly PlannedAction[];
  /** The differences that it would make to the CIB. */
  changes: readonly RecordedDifference[];
  warnings: readonly string[];
}

// Somebody else may change the CIB during an edit, such as pcs on another node.
const attempts = 5;

/**
 * @param memory a folder in memory for crm_simulate, which writes its resulting CIB only to a file
 * @param checkPatch waits until the coordinator shows a change as it was meant
 * @param readLostCharacters finds the characters that Pacemaker on this node damages
 */
export function makeCibEditor(
  memory: string,
  checkPatch: CheckPatch,
  readLostCharacters: LostCharactersReader,
): CibEditor {
  function simulate(
    host: ClusterHost,
    cib: string,
  ): Promise<{ actions: PlannedAction[]; outcome: string }> {
    return inMemoryFolder(memory, async (folder) => {
      const [file, outcome] = [join(folder, 'tried.xml'), join(folder, 'outcome.xml')];
      await writeFile(file, cib, { mode: 0o600 });
      const actions = await simulateTransition(host, file, outcome);
      return { actions, outcome: await readFile(outcome, 'utf8') };
    });
  }

  return {
    async replace(host, edit, { ifVersion, prepare, warn }) {
      for (let attempt = 1; ; attempt += 1) {
        const whole = await queryWholeCib(host);
        if (!isOfCluster(whole)) throw joining();
        const before = versionOfCib(whole);
        if (ifVersion !== undefined) checkVersion(ifVersion, before);
        if (isLargeCib(withoutStatus(whole))) warn(largeCib);
        const { base, cib } = await edited(edit, whole, { host, warn });
        const differences = cibDifferences(base, cib);
        checkSize(differences, base, cib);
        await checkStorable(differences, base, readLostCharacters);
        if (differences.length === 0) return { changes: [], before, after: before, found: whole };
        const after = nextVersionOfCib(whole);
        await prepare({ before, after, ...patchesBetween(base, cib, differences) });
        const isMade = await patchCib(host, differences, base).catch(async (error: unknown) => {
          const isUnknown = error instanceof Fault && error.code === 'outcome_unknown';
          if (isUnknown && (await isInPlace(host, cib, after))) return true;
          throw error;
        });
        if (isMade) {
          const isPlain = arePlain(differences);
          const patch: SentPatch = { differences, isPlain, base, cib, version: after };
          const instead = await checkPatch(host, whole, patch);
          if (instead) throw await takenBack(host, base, instead);
          if (!(await hasRoomForCib(host.paths.cib))) warn(noRoomForCib(host.paths.cib));
          return { changes: differences.map(recordedDifference), before, after, found: whole };
        }
        if (attempt === attempts) {
          throw new Fault(
            'changed_meanwhile',
            `Others changed the configuration ${attempts} times during this change. Nothing of it was done; try again.`,
          );
        }
      }
    },

    async try(host, [edit, ...later], { ifVersion, endsTransient }) {
      const found = await queryWholeCib(host);
      const whole = endsTransient ? withoutTransient(found, endsTransient) : found;
      if (!isOfCluster(whole)) throw joining();
      const version = versionOfCib(whole);
      if (ifVersion !== undefined) checkVersion(ifVersion, version);
      const warnings: string[] = [];
      const warn = (text: string) => warnings.push(text);
      const { base, cib } = await edited(edit, whole, { host, warn });
      const differences = cibDifferences(base, cib);
      checkSize(differences, base, cib);
      await checkStorable(differences, base, readLostCharacters);
      const { actions, outcome } = await simulate(host, withStatusOf(writeXml(cib), whole));
      const changes = differences.map(recordedDifference);
      const tried = { version, actions, changes, warnings };
      return { tried, laterActions: await planFrom(host, outcome, later) };
    },

    plan: async (host, edits) => planFrom(host, await queryWholeCib(host), edits),
  };

  /** Simulates these edits one after another, starting with this CIB. */
  async function planFrom(
    host: ClusterHost,
    start: string,
    edits: readonly CibEdit[],
  ): Promise<PlannedAction[][]> {
    const plans: PlannedAction[][] = [];
    let whole = start;
    for (const edit of edits) {
      const { cib } = await edited(edit, whole, { host, warn: () => undefined });
      const { actions, outcome } = await simulate(host, withStatusOf(writeXml(cib), whole));
      plans.push(actions);
      whole = outcome;
    }
    return plans;
  }
}

/** Applies an edit to the text of a whole CIB. */
async function edited(
  edit: CibEdit,
  whole: string,
  tools: EditTools,
): Promise<{ base: EditableXml; cib: EditableXml }> {
  const base = parseEditableXml(withoutStatus(whole));
  const cib = structuredClone(base);
  await edit(cib, tools);
  return { base, cib };
}

/** The patch from one CIB to the next version, and the patch back. */
function patchesBetween(
  base: EditableXml,
  cib: EditableXml,
  differences: readonly CibDifference[],
): { forward: string; inverse: string } {
  const { admin_epoch: adminEpoch = '0', epoch = '0' } = base.attributes;
  const made = { admin_epoch: adminEpoch, epoch: String(Number(epoch) + 1) };
  const next = { ...cib, attributes: { ...cib.attributes, ...made } };
  return {
    forward: cibPatch(differences, base),
    inverse: cibPatch(cibDifferences(cib, base), next),
  };
}

/** What is sent for a change has the same limit. */
const maxGrowth = 256 * 1024;

/**
 * Refuses a change that makes the CIB too much larger. Elements that are only moved do not count.
 * Faults: `change_too_large`
 */
function checkSize(
  differences: readonly CibDifference[],
  base: EditableXml,
  cib: EditableXml,
): void {
  // Nearly every patch is short, so the CIB rarely has to be written out.
  if (cibPatch(differences, base).length <= maxGrowth) return;
  const growth = writeXml(cib).length - writeXml(base).length;
  if (growth <= maxGrowth) return;
  throw new Fault(
    'change_too_large',
    'This change would make the configuration larger by more than 256 KiB. Nothing was done; divide it into several changes.',
  );
}

/**
 * Takes back what the cluster stored instead of an edit.
 * @returns a fault `stored_otherwise`, or `outcome_unknown` if it could not be taken back
 */
async function takenBack(
  host: ClusterHost,
  base: EditableXml,
  instead: EditableXml,
): Promise<Fault> {
  const way = cibDifferences(instead, { ...base, attributes: instead.attributes });
  const { admin_epoch: adminEpoch = '0', epoch = '0' } = instead.attributes;
  const after = `${adminEpoch}.${Number(epoch) + 1}`;
  try {
    if ((await patchCib(host, way, instead)) && (await isInPlace(host, base, after))) {
      return new Fault(
        'stored_otherwise',
        'The cluster accepted this change, but stored something other than was sent. The change was undone, and the configuration is as it was before. Pacemaker on one of the nodes may damage some characters of a value. Send it in plain ASCII, and check that all nodes have the same version of Pacemaker.',
      );
    }
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
  return new Fault(
    'outcome_unknown',
    'The cluster accepted this change, but stored something other than was sent, and this could not be undone. Read the configuration, and correct it before you try again.',
  );
}

/** Whether the CIB is the result of an edit, and at this version; false if that cannot be read. */
async function isInPlace(host: ClusterHost, cib: EditableXml, version: string): Promise<boolean> {
  try {
    const whole = await queryWholeCib(host);
    if (!isOfCluster(whole) || versionOfCib(whole) !== version) return false;
    const found = parseEditableXml(withoutStatus(whole));
    return cibDifferences(found, { ...cib, attributes: found.attributes }).length === 0;
  } catch (error) {
    if (error instanceof Fault) return false;
    throw error;
  }
}

/** The coordinator replaces the CIB of a joining node, so changes that were made there would be lost. */
function joining(): Fault {
  return new Fault(
    'node_joining',
    'This node has not joined the cluster yet, and a change on it would be lost. Nothing was done. Try again in a few seconds, or on another node.',
    { retryAfterSeconds: 5 },
  );
}
