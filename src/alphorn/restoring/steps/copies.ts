import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { Fault } from '../../../kit/fault.ts';
import { readPieces } from '../../../kit/files/pieces.ts';
import type { AttributeStore } from '../../format/attributes.ts';
import { isAt, type NewFolder } from './exchange.ts';
import { changedMeanwhile } from '../path-faults.ts';
import { asFile, type FilePresence, lookAt, openFolder, type Presence } from '../host-folder.ts';
import { parentsOf } from '../../format/paths.ts';
import { type SavedRestore, rewriteJournal, type Step } from '../restore-journal.ts';
import { type GivenLists, readLists } from './lists-here.ts';

/**
 * Copies what is about to be replaced. A link needs no copy.
 * @param copy the path of the copy
 * @returns what is there
 * Faults: `changed_meanwhile`
 */
export async function saveCopy(root: string, path: string, copy: string): Promise<Presence> {
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

/** The existing folders that contain these paths, with their properties; each before its content. */
export async function parentsThere(
  root: string,
  paths: readonly string[],
  attributes: Pick<AttributeStore, 'read'>,
): Promise<NewFolder[]> {
  const parents = [];
  const all = [...new Set(paths.flatMap(parentsOf))].sort();
  const listsOf = await readLists(attributes, all);
  for (const path of all) {
    const folder = await openFolder(root, path);
    if (!('at' in folder)) continue;
    try {
      parents.push({ path, ...(await folder.owned()), ...listsOf(path) });
    } finally {
      await folder.close();
    }
  }
  return parents;
}

/**
 * Saves what others have put in the place of restored paths, so that an undo by force may replace it. What is neither a
 * file nor a link stays where it is, and is not replaced.
 * Faults: `no_space`
 */
export async function saveChanged(
  root: string,
  saved: SavedRestore,
  attributes: Pick<AttributeStore, 'read'>,
): Promise<SavedRestore> {
  const steps: Step[] = [];
  const listsOf = await readLists(
    attributes,
    saved.journal.steps.map(({ path }) => path),
  );
  for (const [index, step] of saved.journal.steps.entries()) {
    const found = await changedAt(root, step, listsOf(step.path), join(saved.folder, `${index}`));
    steps.push(found ? { ...step, changed: [...(step.changed ?? []), found] } : step);
  }
  const isSame = steps.every((step, index) => step === saved.journal.steps[index]);
  return isSame ? saved : rewriteJournal(saved, { ...saved.journal, steps });
}

async function changedAt(
  root: string,
  step: Step,
  lists: GivenLists,
  copies: string,
): Promise<NonNullable<Step['changed']>[number] | undefined> {
  const { path, changed = [] } = step;
  if ((await knownAt(root, step, lists)) !== undefined) return undefined;
  const copy = `${copies}.${changed.length}`;
  // A copy that a killed undo left is in no journal.
  await rm(copy, { force: true });
  const what = await saveCopy(root, path, copy).catch((error: unknown) => {
    if (error instanceof Fault && error.code === 'changed_meanwhile') return undefined;
    throw error;
  });
  if (what === undefined || (what === null && !(await isAt(root, path, null)))) return undefined;
  if (what?.kind === 'file') what.acl = lists.acl;
  return { what, ...(what?.kind === 'file' && { kept: basename(copy) }) };
}

/**
 * Tells what is at the path of a step: what was there before it, or something that an undo may replace.
 * @param lists the lists that the path has now
 * @returns undefined if it is something else
 * Faults: `restore_failed`
 */
export async function knownAt(
  root: string,
  { path, before, after, changed = [] }: Step,
  { acl }: GivenLists,
): Promise<{ isBefore: boolean; what: Presence } | undefined> {
  const isNow = async (what: Presence) =>
    (what?.kind !== 'file' || what.acl === acl) && (await isAt(root, path, what));
  if (await isNow(before)) return { isBefore: true, what: before };
  for (const what of [after, ...changed.map((each) => each.what)]) {
    if (await isNow(what)) return { isBefore: false, what };
  }
  return undefined;
}

/**
 * Reads the content of a copy.
 * Faults: `restore_failed` at its end, if it is not what was copied
 */
export async function* contentOf(
  file: string,
  { sha256 }: FilePresence,
): AsyncGenerator<Buffer, void, undefined> {
  const copy = await open(file, asFile);
  try {
    const hash = createHash('sha256');
    for await (const piece of readPieces(copy)) {
      hash.update(piece);
      yield piece;
    }
    if (hash.digest('hex') === sha256) return;
    throw new Fault('restore_failed', `Its copy, ${file}, has changed since.`);
  } finally {
    await copy.close();
  }
}

/** The content of a link, or of nothing. */
export async function* contentOfNone(): AsyncGenerator<Buffer, void, undefined> {
  // It has none.
}

async function copyFile(from: string, to: string): Promise<FilePresence> {
  const source = await open(from, asFile);
  try {
    const copy = await open(to, 'wx', 0o600);
    try {
      const hash = createHash('sha256');
      let size = 0;
      for await (const piece of readPieces(source)) {
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
