import { basename, dirname, join } from 'node:path';

import { Fault, systemErrorCode } from '../../../kit/fault.ts';
import { giveBack, readHandovers } from '../accounts/handover.ts';
import type { AttributeStore } from '../../format/attributes.ts';
import {
  type Exchange,
  makeFolderAgain,
  putInPlace,
  removeFolder,
  stage,
  syncAt,
  unstage,
} from './exchange.ts';
import { orFault } from '../path-faults.ts';
import { lookAt, openFolder, type Presence } from '../host-folder.ts';
import { parentsOf } from '../../format/paths.ts';
import type { SavedRestore, Step } from '../restore-journal.ts';
import { changeFolderBack, readFolderChanges } from './folders.ts';
import { contentOf, contentOfNone, knownAt } from './copies.ts';
import { makeLists } from './lists.ts';
import { readLists } from './lists-here.ts';

/** A path that could not be put back. Its copy must stay. */
export interface LeftPath {
  path: string;
  why: string;
  /** Whether somebody has changed it, so that an undo by force could put it back. */
  isChanged: boolean;
}

/** The outcome of taking a restore back. */
export interface PutBack {
  left: readonly LeftPath[];
  /** Folders that the restore made, and into which others have put something. */
  stay: readonly string[];
}

/**
 * Puts everything back as it was before the restore. It can be repeated after it was interrupted at any point. What
 * cannot be put back stays as it is, and does not stop the rest.
 * @param touched the paths that the restore has changed, if known; nothing else has to be put back
 * @param wasKilled whether a kill may have left a file half handed over
 * @param orNothing whether to change nothing if there is no room for everything
 * Faults: `no_space` with `orNothing`
 */
export async function putBack(
  root: string,
  saved: SavedRestore,
  attributes: AttributeStore,
  {
    touched,
    orNothing = false,
    wasKilled = false,
  }: { touched?: ReadonlySet<string>; orNothing?: boolean; wasKilled?: boolean } = {},
): Promise<PutBack> {
  const { steps, folders, parents } = saved.journal;
  const lists = makeLists(attributes);
  const listsOf = await readLists(
    attributes,
    steps.map(({ path }) => path),
  );
  const left = new Map<string, LeftPath>();
  const made: string[] = [];

  let mayRefuse = orNothing;

  async function orLeave(path: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (mayRefuse && error instanceof Fault && error.code === 'no_space') throw error;
      left.set(path, { path, why: reasonOf(error), isChanged: false });
      return false;
    }
  }

  async function clear(): Promise<void> {
    for (const step of steps) await orLeave(step.path, () => unstage(root, step));
    for (const { path, temporary } of parents)
      await orLeave(path, async () => {
        await removeFolder(root, join(dirname(path), temporary));
      });
  }

  async function plan(step: Step): Promise<Exchange | undefined> {
    if (saved.state === 'staging' || touched?.has(step.path) === false) return undefined;
    const found = await knownAt(root, step, listsOf(step.path));
    if (found?.isBefore) return undefined;
    if (found) return backward(saved, step, found.what);
    const { path } = step;
    left.set(path, { path, ...(await whyChanged(root, path)) });
    return undefined;
  }

  async function makeMissing(path: string): Promise<void> {
    for (const above of parentsOf(path)) {
      const folder = await openFolder(root, above);
      if ('at' in folder) await folder.close();
      if ('at' in folder || folder.why === 'no folder') continue;
      const known = parents.find((each) => each.path === above);
      if (known === undefined) {
        throw new Fault(
          'restore_failed',
          `The folder ${above} is missing, and it is not known how it was: make it`,
        );
      }
      await makeFolderAgain(root, known, lists);
      made.push(above);
    }
  }

  async function makeReady(): Promise<Exchange[]> {
    await clear();
    const planned: Exchange[] = [];
    for (const step of steps.toReversed()) {
      await orLeave(step.path, async () => {
        const exchange = await plan(step);
        if (exchange) planned.push(exchange);
      });
    }
    const ready: Exchange[] = [];
    for (const each of planned) {
      const isReady = await orLeave(each.path, async () => {
        if (each.to !== null) await orFault(each.path, () => makeMissing(each.path));
        await stage(root, each, lists);
      });
      if (isReady) ready.push(each);
    }
    return ready;
  }

  async function nothing(): Promise<void> {
    mayRefuse = false;
    await clear();
    for (const path of made.toReversed()) {
      await orLeave(path, async () => {
        await removeFolder(root, path);
      });
    }
  }

  const ready = await makeReady().catch(async (error: unknown) => {
    await nothing();
    throw error;
  });
  mayRefuse = false;
  const placed: Exchange[] = [];
  for (const each of ready) {
    if (await orLeave(each.path, () => putInPlace(root, each))) placed.push(each);
  }
  // Once for each folder, because it takes as long as writing a file.
  const folderOf = new Map(placed.map(({ path }) => [dirname(path), path]));
  for (const [folder, path] of folderOf) await orLeave(path, () => syncAt(root, folder));
  await clear();
  if (saved.state !== 'staging') {
    await orLeave(saved.folder, async () => {
      for (const change of (await readFolderChanges(saved.folder)).toReversed()) {
        const { path } = change;
        await orLeave(path, async () => {
          const make = () => orFault(path, () => makeMissing(`${path}/.`));
          const why = await changeFolderBack(root, change, attributes, make);
          if (why !== undefined) left.set(path, { path, why, isChanged: true });
        });
      }
    });
    await orLeave(saved.folder, async () => {
      for (const each of await readHandovers(saved.folder)) {
        await orLeave(each.path, () => giveBack(root, each, wasKilled));
      }
    });
  }
  const stay: string[] = [];
  for (const path of folders.toReversed()) {
    await orLeave(path, async () => {
      if (!(await removeFolder(root, path))) stay.push(path);
    });
  }
  return { left: [...left.values()], stay };
}

/** The exchange that takes a step back, from its copy. */
function backward({ folder }: SavedRestore, step: Step, from: Presence): Exchange {
  const { path, before, temporary, kept = '' } = step;
  const content = () =>
    before?.kind === 'file' ? contentOf(join(folder, kept), before) : contentOfNone();
  return { path, from, to: before, temporary, content };
}

/** Why what is at the path may not be replaced. Faults: `restore_failed` */
async function whyChanged(
  root: string,
  path: string,
): Promise<{ why: string; isChanged: boolean }> {
  return orFault(path, async () => {
    const parent = await openFolder(root, dirname(path));
    if (!('at' in parent)) {
      return parent.why === 'missing'
        ? { why: `its folder ${parent.path} was removed`, isChanged: true }
        : { why: `${parent.path} is a link or a file now, and no folder`, isChanged: false };
    }
    try {
      const found = await lookAt(parent, basename(path));
      if (found?.kind === 'folder') return { why: 'a folder is in its place', isChanged: false };
      if (found?.kind === 'other')
        return { why: 'a device, a socket or the like is in its place', isChanged: false };
      return { why: found ? 'it was changed since' : 'it was removed since', isChanged: true };
    } finally {
      await parent.close();
    }
  });
}

/** The error as part of a sentence. Errors that are neither faults nor the system's are bugs, and are thrown. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Fault) && systemErrorCode(error) === undefined) throw error;
  return (error as Error).message.split('. ')[0]?.replace(/\.$/, '') ?? '';
}
