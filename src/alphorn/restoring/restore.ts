import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { Fault } from '../../kit/fault.ts';
import { makeRun, type Run } from '../../kit/exec.ts';
import type { Host } from '../../kit/host.ts';
import { makeLog } from '../../kit/log.ts';
import { handOver } from './accounts/handover.ts';
import {
  type AccountsReport,
  restoreAccounts,
  type RestoredAccounts,
  warningsOf,
} from './accounts/restored-accounts.ts';
import { makeAttributeStore } from '../format/attributes.ts';
import { makeAnswers, makeMounts } from '../collecting/mounts.ts';
import { compare, type Difference, type PlannedPath } from './diff/diff.ts';
import { exchangeAll, makeFolder, orFault } from '../sending/exchange.ts';
import { hostIdOf } from '../peers/host-id.ts';
import type { LiferaftFile } from '../format/liferaft-file.ts';
import { findOnlyHere, type OnlyHere } from './diff/only-here.ts';
import { listed } from './faults.ts';
import { changeFolders, type FolderChange, planFolders } from './steps/folders.ts';
import { contentOfNone, keep, parentsThere } from './steps/keep.ts';
import {
  dropRestores,
  type ListedRestore,
  listRestores,
  unfinishedRestores,
} from './kept-restores.ts';
import { beyondLimits, dropBeyond, type KeepLimits, keepLimits } from './limits.ts';
import { makeLists } from './steps/lists.ts';
import { folderIdOf } from './other-root.ts';
import { checkPacemaker } from './pacemaker.ts';
import { makeTakingBack, type Undone, type Warn } from './steps/take-back.ts';
import {
  type KeptRestore,
  makeRestoreFolder,
  moveOn,
  readRestores,
  type Step,
  sweepRestores,
  writeJournal,
} from './restore-journal.ts';
import { withRestoreLock } from './restore-lock.ts';
import type { LiferaftStore } from '../receiving/store.ts';

/** A liferaft beside this host. */
export interface LiferaftDiff extends OnlyHere {
  liferaft: string;
  host: { id: string; name: string };
  generation: number;
  /** Paths that are not the same; the others are only counted. */
  differences: readonly Difference[];
  same: number;
  /** Folders that are there with another mode, owner or list; they stay, unless they are asked for as well. */
  folders: readonly Difference[];
  /** What becomes of users and groups, if anything does. */
  accounts?: AccountsReport;
  /** What to know before a restore, if there is anything. */
  warnings?: readonly string[];
}

export interface RestoreOptions {
  /** Take the lists of accounts as the liferaft has them; else they are merged with this host's. */
  replaceUsers?: boolean;
  /** Give folders that are there their modes, owners and lists too. */
  folders?: boolean;
}

/** What a restore did: the differences that there were. */
export interface Restored extends LiferaftDiff {
  /** Where what was replaced is kept; null if there was nothing to be done. */
  kept: string | null;
}

/** Brings the configuration of a host back from a liferaft. */
export interface Restorer {
  /** What a restore would do. Faults: `liferaft_not_found`, `liferaft_damaged`, `path_not_in_liferaft` */
  diff(name: string, paths?: readonly string[], options?: RestoreOptions): Promise<LiferaftDiff>;
  /**
   * Makes all of these paths, or none, as they are in the liferaft. What it replaces is kept.
   * @param host by whose runner the state of Pacemaker is asked
   * @param paths of the liferaft, or folders for all that is in them; all if nothing is said
   * Faults: those of diff, `restore_blocked`, `pacemaker_running`, `no_space`, `changed_meanwhile`, `restore_failed`,
   * `restore_busy`
   */
  restore(
    host: Host,
    name: string,
    paths: readonly string[] | undefined,
    warn: Warn,
    options?: RestoreOptions,
  ): Promise<Restored>;
  /**
   * Puts back what the latest restore replaced, also one that was killed.
   * @param force also what was changed since, of which a copy is kept, and as much as can be put back
   * Faults: `nothing_to_undo`; `changed_since_restore`, `restore_failed` if not all could be put back, and what could
   * not stays in its folder; `pacemaker_running`, `no_space`, `restore_busy`
   */
  undo(host: Host, force: boolean, warn: Warn): Promise<Undone>;
  /** What is kept of restores, the oldest first. */
  kept(): Promise<ListedRestore[]>;
  /**
   * Removes what is kept of restores.
   * @param ids from the list; all if nothing is said
   * @param force also of those that are half done
   * @returns the ids of what was dropped
   * Faults: `restore_not_found`, `restore_half_done`, `restore_busy`
   */
  drop(ids: readonly string[] | undefined, force: boolean): Promise<string[]>;
}

/**
 * @param host whose paths say below which root it restores, and where it keeps what it replaced
 * @param limits for what is kept of former restores
 * @param run by which access control lists are read and given, and mounted file systems are asked
 */
export function makeRestorer(
  host: Host,
  store: Pick<LiferaftStore, 'open'>,
  limits: KeepLimits = keepLimits,
  run: Run = makeRun(makeLog('silent')),
): Restorer {
  const paths = host.paths.alphorn;
  const { root, restores } = paths;
  const attributesBelow = (below: string) => makeAttributeStore(below, run);
  const attributes = attributesBelow(root);
  const mounts = makeMounts(makeAnswers(run));
  const takingBack = makeTakingBack({ root, restores, attributesBelow });

  async function withLiferaft<T>(
    name: string,
    work: (file: LiferaftFile) => Promise<T>,
  ): Promise<T> {
    const file = await store.open(name);
    try {
      return await work(file);
    } finally {
      await file.close();
    }
  }

  async function alone<T>(work: () => Promise<T>): Promise<T> {
    await orFault(restores, () => mkdir(restores, { recursive: true, mode: 0o700 }));
    return withRestoreLock(restores, async () => {
      await sweepRestores(restores);
      return work();
    });
  }

  /** Keeps what is replaced, and writes down what is to be done. Nothing outside of the folder is touched. */
  async function prepare(
    name: string,
    { file: { manifest, digest }, plan: planHandovers }: RestoredAccounts,
    changing: readonly PlannedPath[],
    folderChanges: readonly FolderChange[],
  ): Promise<KeptRestore> {
    const at = new Date();
    const folder = await makeRestoreFolder(restores, at);
    try {
      const id = randomBytes(6).toString('hex');
      const steps: Step[] = [];
      for (const { item, wanted, aclHere } of changing) {
        if (wanted.kind === 'folder') continue;
        const number = `${steps.length}`;
        const before = await keep(root, item.path, join(folder, number));
        if (before?.kind === 'file') before.acl = aclHere;
        steps.push({
          ...{ path: item.path, before, after: wanted },
          // A name that no rule takes into a liferaft.
          temporary: `.alphorn-${id}.${number}.new`,
          ...(before?.kind === 'file' && { kept: number }),
        });
      }
      await planHandovers(folder);
      await planFolders(folder, folderChanges);
      const changed = [
        ...steps.map(({ path }) => path),
        // With themselves.
        ...folderChanges.map(({ path }) => `${path}/.`),
      ];
      const parents = await parentsThere(root, changed, attributes);
      const { host: whose, generation } = manifest;
      const rootId = root === '/' ? undefined : await folderIdOf(root);
      return await writeJournal(folder, {
        ...{ liferaft: name, host: whose, generation, digest, at: at.toISOString(), root, rootId },
        folders: changing.flatMap(({ item, wanted }) =>
          wanted.kind === 'folder' ? [item.path] : [],
        ),
        parents: parents.map((each, number) => ({
          ...each,
          temporary: `.alphorn-${id}.f${number}.new`,
        })),
        steps,
      });
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async function carryOut(
    staging: KeptRestore,
    file: LiferaftFile,
    changing: readonly PlannedPath[],
    warn: Warn,
  ): Promise<void> {
    let kept = staging;
    const lists = makeLists(attributes);
    const touched = new Set<string>();
    const contents = new Map(
      changing.flatMap(({ item }) =>
        'sha256' in item ? [[item.path, () => file.content(item)] as const] : [],
      ),
    );
    try {
      for (const { item, wanted } of changing) {
        const { path } = item;
        if (wanted.kind === 'folder') await makeFolder(root, { ...wanted, path }, lists);
      }
      await exchangeAll(
        root,
        kept.journal.steps.map(({ path, before, after, temporary }) => ({
          ...{ path, from: before, to: after, temporary },
          content: contents.get(path) ?? contentOfNone,
        })),
        lists,
        async () => {
          kept = await moveOn(kept, 'begun');
        },
        (path) => touched.add(path),
      );
      await changeFolders(root, kept.folder, attributes);
      await handOver(root, kept.folder);
      await moveOn(kept, 'done');
    } catch (error) {
      throw await takingBack.failed(kept, touched, error, warn);
    }
  }

  /** The restore stays as it is, whether or not this succeeds. */
  async function forgetBeyondLimits(asker: Host, warn: Warn): Promise<void> {
    try {
      await dropBeyond(asker, beyondLimits(await readRestores(restores), limits, new Date()));
    } catch (error) {
      warn(
        `What former restores replaced is kept for longer than it should be, for it could not be removed from ${restores}: ${(error as Error).message}. The next restore tries again.`,
      );
    }
  }

  /** What to know before a restore. */
  async function warningsFor({ manifest }: LiferaftFile): Promise<string[]> {
    const own = await hostIdOf(paths).catch((error: unknown) => {
      if (error instanceof Fault) return undefined;
      throw error;
    });
    const { id, name } = manifest.host;
    if (own === undefined || own === id) return [];
    return [
      `The liferaft is that of another host, ${id} (${name}); this one has the id ${own}. What tells the two apart (name, addresses, keys) is taken from the liferaft as well.`,
    ];
  }

  /** What a restore of this liferaft is, and what it would change. */
  async function plan(
    name: string,
    opened: LiferaftFile,
    chosen: readonly string[] | undefined,
    { replaceUsers, folders }: RestoreOptions,
  ): Promise<{ accounts: RestoredAccounts; planned: PlannedPath[]; diff: LiferaftDiff }> {
    const accounts = await restoreAccounts(opened, chosen, paths, replaceUsers);
    const { manifest } = accounts.file;
    const planned = await compare(manifest, chosen, paths, attributes);
    const onlyHere = await findOnlyHere(manifest, chosen, paths, mounts);
    return { accounts, planned, diff: diffOf(name, accounts, planned, onlyHere, folders) };
  }

  return {
    diff: (name, chosen, options = {}) =>
      withLiferaft(name, async (opened) => {
        const { diff } = await plan(name, opened, chosen, options);
        const unfinished = await unfinishedRestores(paths);
        const warnings = [
          ...(await warningsFor(opened)),
          ...unfinished.flatMap(({ problem }) => problem ?? []),
        ];
        return { ...diff, ...(warnings.length > 0 && { warnings }) };
      }),

    restore: (asker, name, chosen, warn, options = {}) =>
      alone(async () => {
        await takingBack.finishKilled(asker, warn);
        return withLiferaft(name, async (opened) => {
          const { accounts, planned, diff } = await plan(name, opened, chosen, options);
          const { file, report } = accounts;
          checkBlocks(diff.differences);
          await checkPacemaker(asker, root, diff.differences);
          // Each byte, before anything is written.
          await file.check();
          const changing = planned.filter(({ difference }) => difference.changes.length > 0);
          const folderChanges = options.folders
            ? planned.flatMap(({ existing }) => existing?.change ?? [])
            : [];
          if (changing.length + folderChanges.length === 0) return { ...diff, kept: null };
          (await warningsFor(file)).forEach(warn);
          if (report) warningsOf(report).forEach(warn);
          const kept = await orFault(restores, () =>
            prepare(name, accounts, changing, folderChanges),
          );
          await carryOut(kept, file, changing, warn);
          await forgetBeyondLimits(asker, warn);
          return { ...diff, kept: kept.folder };
        });
      }),

    undo: (asker, force, warn) => alone(() => takingBack.undo(asker, force, warn)),

    kept: () => listRestores(paths),

    drop: (ids, force) => alone(() => dropRestores(restores, ids, force)),
  };
}

function diffOf(
  name: string,
  { file: { manifest }, report }: RestoredAccounts,
  planned: readonly PlannedPath[],
  onlyHere: OnlyHere,
  withFolders = false,
): LiferaftDiff {
  const existing = planned.flatMap((each) => each.existing?.difference ?? []);
  const all = planned.map((each) =>
    withFolders ? (each.existing?.difference ?? each.difference) : each.difference,
  );
  const differences = all.filter(({ changes, blocked }) => changes.length > 0 || blocked);
  return {
    ...{ liferaft: name, host: manifest.host, generation: manifest.generation },
    ...{ differences, same: all.length - differences.length },
    folders: withFolders ? [] : existing,
    ...onlyHere,
    ...(report && { accounts: report }),
  };
}

/** Faults: `restore_blocked` */
function checkBlocks(differences: readonly Difference[]): void {
  const blocked = differences.filter((each) => each.blocked !== undefined);
  if (blocked.length === 0) return;
  throw new Fault(
    'restore_blocked',
    `${blocked.length} of the paths cannot be restored. Nothing was done. Clear the way, or restore the others alone by naming them.\n${listed(blocked.map(({ path, blocked: why }) => `${path}: ${why ?? ''}`))}`,
  );
}
