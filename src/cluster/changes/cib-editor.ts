import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Fault } from '../../errors.ts';
import type { Host } from '../../host.ts';
import { queryWholeCib } from '../../pacemaker/cib.ts';
import { cibDifferences } from '../../pacemaker/cib-differences.ts';
import { patchCib } from '../../pacemaker/cib-patch.ts';
import { simulateTransition } from '../../pacemaker/simulate.ts';
import {
  isOfCluster,
  nextVersionOfCib,
  versionOfCib,
  withoutStatus,
  withStatusOf,
} from '../../parsers/cib.ts';
import type { PlannedAction } from '../../parsers/crm-simulate.ts';
import { type EditableXml, parseEditableXml, writeXml } from '../../parsers/xml-edit.ts';
import type { CibEdit, EditTools } from './cib-edit.ts';
import { checkVersion, type Tried } from './changes.ts';
import { type RecordedDifference, recordedDifference } from './recorded-differences.ts';

/**
 * Changes the CIB by way of a copy: an edit makes a new CIB of the one that is there, and the
 * differences go in place in one piece, or the scheduler says what they would lead to.
 */
export interface CibEditor {
  /**
   * @param more `cleared`: nothing is put in place before it is fulfilled
   * @returns what was changed, and the version of the configuration before and after
   * Faults: `node_joining`, `version_changed`, `changed_meanwhile`, those of the edit, of queryWholeCib, of patchCib
   * and of `cleared`.
   */
  replace(
    host: Host,
    edit: CibEdit,
    more: {
      ifVersion: string | undefined;
      cleared: Promise<void>;
      warn: (text: string) => void;
    },
  ): Promise<{ changes: RecordedDifference[]; before: string; after: string }>;
  /** Faults: `version_changed`, those of the edit, of queryWholeCib and of simulateTransition. */
  try(host: Host, edit: CibEdit, ifVersion: string | undefined): Promise<Tried>;
  /**
   * What the cluster would do after each of these edits, one made when it is done with that before.
   * Faults: those of the edits, of queryWholeCib and of simulateTransition.
   */
  plan(host: Host, edits: readonly CibEdit[]): Promise<PlannedAction[][]>;
}

// Somebody else may change the CIB while an edit is under way: pcs on another node, an administrator.
const attempts = 5;

/** @param folder a folder of the agent's own */
export function makeCibEditor(folder: string): CibEditor {
  async function simulate(
    host: Host,
    cib: string,
  ): Promise<{ actions: PlannedAction[]; outcome: string }> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const path = await mkdtemp(join(folder, 'change-'));
    try {
      const [file, outcome] = [join(path, 'tried.xml'), join(path, 'outcome.xml')];
      await writeFile(file, cib, { mode: 0o600 });
      const actions = await simulateTransition(host, file, outcome);
      return { actions, outcome: await readFile(outcome, 'utf8') };
    } finally {
      await rm(path, { recursive: true, force: true });
    }
  }

  return {
    async replace(host, edit, { ifVersion, cleared, warn }) {
      for (let attempt = 1; ; attempt += 1) {
        const whole = await queryWholeCib(host);
        if (!isOfCluster(whole)) throw joining();
        const before = versionOfCib(whole);
        if (ifVersion !== undefined) checkVersion(ifVersion, before);
        const { base, cib } = await edited(edit, whole, { host, warn });
        const differences = cibDifferences(base, cib);
        if (differences.length === 0) return { changes: [], before, after: before };
        await cleared;
        if (await patchCib(host, differences, base)) {
          const changes = differences.map(recordedDifference);
          return { changes, before, after: nextVersionOfCib(whole) };
        }
        if (attempt === attempts) {
          throw new Fault(
            'changed_meanwhile',
            `The configuration was changed by others ${attempts} times while this change was made. Nothing of it was done; ask again.`,
          );
        }
      }
    },

    async try(host, edit, ifVersion) {
      const whole = await queryWholeCib(host);
      const version = versionOfCib(whole);
      if (ifVersion !== undefined) checkVersion(ifVersion, version);
      const warnings: string[] = [];
      const warn = (text: string) => warnings.push(text);
      const { base, cib } = await edited(edit, whole, { host, warn });
      const { actions } = await simulate(host, withStatusOf(writeXml(cib), whole));
      const changes = cibDifferences(base, cib).map(recordedDifference);
      return { dry_run: true, version, actions, changes, warnings };
    },

    async plan(host, edits) {
      const plans: PlannedAction[][] = [];
      let whole = await queryWholeCib(host);
      for (const edit of edits) {
        const { cib } = await edited(edit, whole, { host, warn: () => undefined });
        const { actions, outcome } = await simulate(host, withStatusOf(writeXml(cib), whole));
        plans.push(actions);
        whole = outcome;
      }
      return plans;
    },
  };
}

/** What an edit makes of the text of a whole CIB. */
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

/** The coordinator replaces what a node has that joins, and with it what was changed there. */
function joining(): Fault {
  return new Fault(
    'node_joining',
    'This node has not joined the cluster yet, and what is changed on it now would be lost. Nothing was done. Ask again in a few seconds, or ask another node.',
    { retryAfterSeconds: 5 },
  );
}
