import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Fault } from '../../errors.ts';
import type { Host } from '../../host.ts';
import { queryWholeCib } from '../../pacemaker/cib.ts';
import { cibDifference, patchCib } from '../../pacemaker/cib-patch.ts';
import { simulateTransition } from '../../pacemaker/simulate.ts';
import {
  isOfCluster,
  nextVersionOfCib,
  versionOfCib,
  withoutStatus,
  withStartOf,
  withStatusOf,
} from '../../parsers/cib.ts';
import { type CibDifference, parseCibDiff } from '../../parsers/cib-diff.ts';
import type { PlannedAction } from '../../parsers/crm-simulate.ts';
import type { JsonObject, JsonValue } from '../../parsers/xml-to-json.ts';
import { isSecretName, masked, maskText } from '../../secrets.ts';
import type { CibEdit } from './cib-edit.ts';
import { checkVersion, type Tried } from './changes.ts';

/**
 * Changes the CIB by way of a copy: an edit makes a new CIB of the one that is there, Pacemaker tells the
 * difference, and that goes in place in one piece, or the scheduler says what it would lead to.
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
  ): Promise<{ changes: CibDifference[]; before: string; after: string }>;
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
  async function inFolder<T>(work: (path: string) => Promise<T>): Promise<T> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const path = await mkdtemp(join(folder, 'change-'));
    try {
      return await work(path);
    } finally {
      await rm(path, { recursive: true, force: true });
    }
  }

  return {
    replace: (host, edit, { ifVersion, cleared, warn }) =>
      inFolder(async (path) => {
        for (let attempt = 1; ; attempt += 1) {
          const whole = await queryWholeCib(host);
          if (!isOfCluster(whole)) throw joining();
          const before = withoutStatus(whole);
          if (ifVersion !== undefined) checkVersion(ifVersion, versionOfCib(before));
          const after = withStartOf(await edit(before, { host, folder: path, warn }), before);
          const patch = await cibDifference(host, path, before, after);
          const version = versionOfCib(before);
          if (patch === undefined) return { changes: [], before: version, after: version };
          await cleared;
          if (await patchCib(host, path, patch, before)) {
            const changes = parseCibDiff(patch).map(maskDifference);
            return { changes, before: version, after: nextVersionOfCib(before) };
          }
          if (attempt === attempts) {
            throw new Fault(
              'changed_meanwhile',
              `The configuration was changed by others ${attempts} times while this change was made. Nothing of it was done; ask again.`,
            );
          }
        }
      }),

    try: (host, edit, ifVersion) =>
      inFolder(async (path) => {
        const whole = await queryWholeCib(host);
        const before = withoutStatus(whole);
        const version = versionOfCib(before);
        if (ifVersion !== undefined) checkVersion(ifVersion, version);
        const warnings: string[] = [];
        const warn = (text: string) => warnings.push(text);
        const after = withStartOf(await edit(before, { host, folder: path, warn }), before);
        const [patch, { actions }] = await Promise.all([
          cibDifference(host, path, before, after),
          simulate(host, path, withStatusOf(after, whole)),
        ]);
        const changes = patch === undefined ? [] : parseCibDiff(patch).map(maskDifference);
        return { dry_run: true, version, actions, changes, warnings };
      }),

    plan: (host, edits) =>
      inFolder(async (path) => {
        const plans: PlannedAction[][] = [];
        let whole = await queryWholeCib(host);
        for (const edit of edits) {
          const edited = await edit(withoutStatus(whole), {
            host,
            folder: path,
            warn: () => undefined,
          });
          const { actions, outcome } = await simulate(host, path, withStatusOf(edited, whole));
          plans.push(actions);
          whole = outcome;
        }
        return plans;
      }),
  };
}

/** The coordinator replaces what a node has that joins, and with it what was changed there. */
function joining(): Fault {
  return new Fault(
    'node_joining',
    'This node has not joined the cluster yet, and what is changed on it now would be lost. Nothing was done. Ask again in a few seconds, or ask another node.',
    { retryAfterSeconds: 5 },
  );
}

async function simulate(
  host: Host,
  folder: string,
  cib: string,
): Promise<{ actions: PlannedAction[]; outcome: string }> {
  const [file, outcome] = [join(folder, 'tried.xml'), join(folder, 'outcome.xml')];
  await writeFile(file, cib, { mode: 0o600 });
  await rm(outcome, { force: true });
  const actions = await simulateTransition(host, file, outcome);
  return { actions, outcome: await readFile(outcome, 'utf8') };
}

function maskDifference(difference: CibDifference): CibDifference {
  if (difference.operation === 'modify') {
    const isSecret = isSecretName(difference.name ?? '');
    const set = Object.entries(difference.set).map(([name, value]): [string, string] => [
      name,
      isSecret ? masked : maskText(value),
    ]);
    return { ...difference, set: Object.fromEntries(set) };
  }
  if (difference.operation === 'create') {
    return { ...difference, content: maskContent(difference.content) };
  }
  return difference;
}

/** Of each pair of a secret's name the value, wherever it is. */
function maskContent(content: JsonObject): JsonObject {
  const name = content['name'];
  const isSecret = typeof name === 'string' && isSecretName(name);
  return Object.fromEntries(
    Object.entries(content).map(([key, value]): [string, JsonValue] => {
      if (key === 'value' && isSecret) return [key, masked];
      if (typeof value === 'string') return [key, maskText(value)];
      if (!Array.isArray(value)) return [key, value];
      return [key, (value as readonly JsonObject[]).map(maskContent)];
    }),
  );
}
