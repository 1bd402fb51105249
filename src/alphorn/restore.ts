import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { Fault } from '../errors.ts';
import type { Run } from '../exec.ts';
import type { Host } from '../host.ts';
import { readUnits } from '../systemd/units.ts';
import { makeAttributeStore } from './attributes.ts';
import { compare, type Difference, isIn, type PlannedPath } from './diff.ts';
import {
  changedMeanwhile,
  type Exchange,
  exchangeAll,
  isAt,
  isFree,
  makeFolder,
  orFault,
  removeFolder,
  unstage,
} from './exchange.ts';
import {
  asFile,
  type FilePresence,
  lookAt,
  openFolder,
  piecesOf,
  type Presence,
} from './host-folder.ts';
import type { LiferaftFile } from './liferaft-file.ts';
import { findOnlyHere, type OnlyHere } from './only-here.ts';
import {
  beyondLimits,
  forget,
  type KeepLimits,
  keepLimits,
  type KeptRestore,
  makeRestoreFolder,
  moveOn,
  readRestores,
  type Step,
  writeJournal,
} from './restore-journal.ts';
import {
  changeFolders,
  changeFoldersBack,
  type FolderChange,
  planFolders,
} from './restore/folders.ts';
import { makeLists } from './restore/lists.ts';
import { withRestoreLock } from './restore-lock.ts';
import type { LiferaftStore } from './store.ts';

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
}

export interface RestoreOptions {
  /** Give folders that are there their modes, owners and lists too. */
  folders?: boolean;
}

/** What a restore did: the differences that there were. */
export interface Restored extends LiferaftDiff {
  /** Where what was replaced is kept; null if there was nothing to be done. */
  kept: string | null;
}

/** What an undo did. */
export interface Undone {
  /** Whose restore was taken back, and when that was (ISO 8601 in UTC). */
  liferaft: string;
  host: { id: string; name: string };
  generation: number;
  restoredAt: string;
  /** The paths that are as they were before it. */
  paths: readonly string[];
}

/** For what the caller should know beside the answer. */
export type Warn = (text: string) => void;

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
   * Puts back what the latest restore replaced.
   * @param force also what was changed since
   * Faults: `nothing_to_undo`, `changed_since_restore`, `pacemaker_running`, `no_space`, `restore_failed`,
   * `restore_busy`
   */
  undo(host: Host, force: boolean, warn: Warn): Promise<Undone>;
}

const pacemakersOwn = '/var/lib/pacemaker';

/**
 * @param limits for what is kept of former restores
 * @param run by which access control lists are read and given
 */
export function makeRestorer(
  host: Host,
  store: Pick<LiferaftStore, 'open'>,
  limits: KeepLimits = keepLimits,
  run?: Run,
): Restorer {
  const paths = host.paths.alphorn;
  const { root, restores } = paths;
  const attributes = makeAttributeStore(root, run);

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
    return withRestoreLock(restores, work);
  }

  /**
   * Puts back what a restore, or an undo, that was killed has changed.
   * @returns the restores that can be undone, the newest last
   */
  async function finishFormer(asker: Host, warn: Warn): Promise<KeptRestore[]> {
    const all = await readRestores(restores);
    for (const kept of all.filter(({ state }) => state !== 'done')) {
      const { liferaft, at, steps } = kept.journal;
      await checkPacemaker(asker, steps);
      const what = kept.state === 'begun' ? 'restore' : 'undo of the restore';
      const left = await putBack(kept).catch((error: unknown) => {
        throw notPutBack(kept, error);
      });
      warn(
        `The ${what} of ${liferaft} of ${at} had not ended, for something killed it. All that it had changed was put back as it was before the restore.`,
      );
      if (left.length > 0) warn(`Others have changed these since; they stay: ${left.join(', ')}`);
    }
    return all.filter(({ state }) => state === 'done');
  }

  /**
   * Makes all as it was before the restore, and forgets it. It can be done again, however far it came.
   * @returns the paths that somebody else has changed, which stay
   */
  async function putBack(kept: KeptRestore): Promise<string[]> {
    const { steps, folders } = kept.journal;
    for (const step of steps) await unstage(root, step);
    const exchanges: Exchange[] = [];
    const left: string[] = [];
    for (const step of steps.toReversed()) {
      const { path, before, after } = step;
      const isBefore = await isAt(root, path, before);
      // Of two that differ in their lists alone, it is not known which is there.
      if (isBefore && !differInListAlone(before, after)) continue;
      const isOurs =
        kept.state === 'forced' ? await isFree(root, path) : await isAt(root, path, after);
      if (isOurs) exchanges.push(backward(kept, step));
      else left.push(path);
    }
    await exchangeAll(root, exchanges, makeLists(attributes));
    const isForced = kept.state === 'forced';
    left.push(...(await changeFoldersBack(root, kept.folder, attributes, isForced)));
    for (const path of folders.toReversed()) await removeFolder(root, path);
    await forget(kept);
    return left;
  }

  /** Keeps what is replaced, and writes down what is to be done. Nothing outside of the folder is touched. */
  async function prepare(
    name: string,
    { manifest, digest }: LiferaftFile,
    changing: readonly PlannedPath[],
    former: KeptRestore | undefined,
    folderChanges: readonly FolderChange[],
  ): Promise<KeptRestore> {
    // The latest restore is known by its time, so this time must be later even if the clock was put back.
    const formerAt = former ? Date.parse(former.journal.at) : 0;
    const at = new Date(Math.max(Date.now(), formerAt + 1));
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
      await planFolders(folder, folderChanges);
      const { host: whose, generation } = manifest;
      return await writeJournal(folder, {
        ...{ liferaft: name, host: whose, generation, digest, at: at.toISOString() },
        folders: changing.flatMap(({ item, wanted }) =>
          wanted.kind === 'folder' ? [item.path] : [],
        ),
        steps,
      });
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async function carryOut(
    kept: KeptRestore,
    file: LiferaftFile,
    changing: readonly PlannedPath[],
  ): Promise<void> {
    const contents = new Map(
      changing.flatMap(({ item }) =>
        'sha256' in item ? [[item.path, () => file.content(item)] as const] : [],
      ),
    );
    const lists = makeLists(attributes);
    try {
      for (const { item, wanted } of changing) {
        const { path } = item;
        if (wanted.kind === 'folder') await makeFolder(root, { ...wanted, path }, lists);
      }
      await exchangeAll(
        root,
        kept.journal.steps.map(({ path, before, after, temporary }) => ({
          ...{ path, from: before, to: after, temporary },
          content: contents.get(path) ?? noContent,
        })),
        lists,
      );
      await changeFolders(root, kept.folder, attributes);
      await moveOn(kept, 'done');
    } catch (error) {
      await putBack(kept).catch((failure: unknown) => {
        throw notPutBack(kept, failure);
      });
      throw error;
    }
  }

  /** The restore stays as it is, whether or not this succeeds. */
  async function forgetBeyondLimits(done: readonly KeptRestore[], warn: Warn): Promise<void> {
    try {
      for (const kept of beyondLimits(done, limits, new Date())) await forget(kept);
    } catch (error) {
      warn(
        `What former restores replaced is kept for longer than it should be, for it could not be removed from ${restores}: ${(error as Error).message}. The next restore tries again.`,
      );
    }
  }

  async function takeBack(latest: KeptRestore, force: boolean): Promise<void> {
    const undoing = await moveOn(latest, force ? 'forced' : 'undoing');
    try {
      await putBack(undoing);
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'no_space') throw notPutBack(undoing, error);
      // What there was no room for was not made, so nothing was put in place.
      await moveOn(undoing, 'done');
      throw error;
    }
  }

  return {
    diff: (name, chosen, options = {}) =>
      withLiferaft(name, async (file) =>
        diffOf(
          name,
          file,
          await compare(file.manifest, chosen, paths, attributes),
          await findOnlyHere(file.manifest, chosen, paths),
          options,
        ),
      ),

    restore: (asker, name, chosen, warn, options = {}) =>
      alone(async () => {
        const former = await finishFormer(asker, warn);
        return withLiferaft(name, async (file) => {
          const planned = await compare(file.manifest, chosen, paths, attributes);
          const onlyHere = await findOnlyHere(file.manifest, chosen, paths);
          const restored = diffOf(name, file, planned, onlyHere, options);
          const folderChanges = options.folders
            ? planned.flatMap(({ existing }) => existing?.change ?? [])
            : [];
          checkBlocks(restored.differences);
          await checkPacemaker(asker, restored.differences);
          // Each byte, before anything is written.
          await file.check();
          const changing = planned.filter(({ difference }) => difference.changes.length > 0);
          if (changing.length + folderChanges.length === 0) return { ...restored, kept: null };
          const kept = await orFault(restores, () =>
            prepare(name, file, changing, former.at(-1), folderChanges),
          );
          await carryOut(kept, file, changing);
          await forgetBeyondLimits([...former, kept], warn);
          return { ...restored, kept: kept.folder };
        });
      }),

    undo: (asker, force, warn) =>
      alone(async () => {
        const latest = (await finishFormer(asker, warn)).at(-1);
        if (latest === undefined) throw nothingToUndo();
        const { steps, liferaft, host: whose, generation, at } = latest.journal;
        await checkPacemaker(asker, steps);
        const changed: string[] = [];
        for (const { path, after } of steps) {
          if (!(await isAt(root, path, after))) changed.push(path);
        }
        if (changed.length > 0 && !force) throw changedSince(changed);
        await takeBack(latest, force);
        const undone = steps.map(({ path }) => path);
        return { liferaft, host: whose, generation, restoredAt: at, paths: undone };
      }),
  };
}

function diffOf(
  name: string,
  { manifest }: LiferaftFile,
  planned: readonly PlannedPath[],
  onlyHere: OnlyHere,
  options: RestoreOptions,
): LiferaftDiff {
  const existing = planned.flatMap((each) => each.existing?.difference ?? []);
  const all = planned.map((each) =>
    options.folders ? (each.existing?.difference ?? each.difference) : each.difference,
  );
  const differences = all.filter(({ changes, blocked }) => changes.length > 0 || blocked);
  return {
    ...{ liferaft: name, host: manifest.host, generation: manifest.generation },
    ...{ differences, same: all.length - differences.length },
    folders: options.folders ? [] : existing,
    ...onlyHere,
  };
}

/**
 * Copies what a restore is about to replace; a link needs no copy.
 * @returns what it was
 * Faults: `changed_meanwhile`
 */
async function keep(root: string, path: string, copy: string): Promise<Presence> {
  const parent = await openFolder(root, dirname(path));
  if (!('at' in parent)) return null;
  try {
    const name = basename(path);
    const found = await lookAt(parent, name);
    if (found === null || found.kind === 'link') return found;
    if (found.kind !== 'file') throw changedMeanwhile(path);
    return await copyFile(parent.at(name), copy);
  } finally {
    await parent.close();
  }
}

async function copyFile(from: string, to: string): Promise<FilePresence> {
  const source = await open(from, asFile);
  try {
    const copy = await open(to, 'wx', 0o600);
    try {
      const hash = createHash('sha256');
      let size = 0;
      for await (const piece of piecesOf(source)) {
        await copy.appendFile(piece);
        hash.update(piece);
        size += piece.length;
      }
      await copy.sync();
      const { mode, uid, gid } = await source.stat();
      return { kind: 'file', mode: mode & 0o7777, uid, gid, size, sha256: hash.digest('hex') };
    } finally {
      await copy.close();
    }
  } finally {
    await source.close();
  }
}

function differInListAlone(a: Presence, b: Presence): boolean {
  if (a?.kind !== 'file' || b?.kind !== 'file' || a.acl === b.acl) return false;
  return isDeepStrictEqual({ ...a, acl: undefined }, { ...b, acl: undefined });
}

/** The way back of a step, from the copy that was kept. */
function backward({ folder }: KeptRestore, { path, before, temporary, kept }: Step): Exchange {
  const content = async function* () {
    const file = await open(join(folder, kept ?? ''), asFile);
    try {
      yield* piecesOf(file);
    } finally {
      await file.close();
    }
  };
  return { path, to: before, temporary, content };
}

async function* noContent(): AsyncGenerator<Buffer, void, undefined> {
  // A link has none.
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

/** Faults: `pacemaker_running`, those of readUnits */
async function checkPacemaker(
  host: Host,
  changes: readonly Pick<Difference, 'path'>[],
): Promise<void> {
  const own = changes.find(({ path }) => isIn(path, pacemakersOwn));
  if (own === undefined) return;
  const [unit] = await readUnits(host, ['pacemaker.service']);
  if (unit?.activeState === 'inactive' || unit?.activeState === 'failed') return;
  throw new Fault(
    'pacemaker_running',
    `${own.path} is Pacemaker's own, and Pacemaker is running, so it would not heed it and write its own over it. Nothing was done. Stop the cluster on this node first ('pcs cluster stop'), or leave ${pacemakersOwn} out.`,
  );
}

/** A restore that stands half way; what the first failure was is told with it. */
function notPutBack({ folder }: KeptRestore, error: unknown): unknown {
  if (!(error instanceof Fault)) return error;
  return new Fault(
    'restore_failed',
    `Not all could be put back as it was before the restore: ${error.message.split('. ')[0] ?? ''}. The next restore or undo tries again first. What was there is kept in ${folder}; remove that folder to have it left as it is.`,
  );
}

function nothingToUndo(): Fault {
  return new Fault(
    'nothing_to_undo',
    'Nothing was restored on this host that was not taken back already. Nothing was done.',
  );
}

function changedSince(paths: readonly string[]): Fault {
  return new Fault(
    'changed_since_restore',
    `${paths.length} of the restored paths have changed since. Nothing was done. To lose those changes, ask with 'force'.\n${listed(paths)}`,
  );
}

const mostListed = 20;

function listed(lines: readonly string[]): string {
  const more = lines.length > mostListed ? ['…'] : [];
  return [...lines.slice(0, mostListed), ...more].join('\n');
}
