import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import * as z from 'zod';

import {
  createFile,
  namesIn,
  readTextIfThere,
  removeTemporaries,
  replaceFile,
  syncFolder,
} from '../../kit/files/files.ts';
import { isPlainPath } from '../format/paths.ts';

// A restore writes down what it will do before it does it. So whatever ends it, the next command knows which paths may
// have changed, and can put back what was there. The journal's name is the state of the restore, because renaming a
// file needs no room on a full disk:
//
//   journal.staging.json  no path has changed, but new files may be next to their paths
//   journal.begun.json    some paths may be restored, others not: all are put back
//   journal.json          all paths are restored; `undo` can put them back
//   journal.undoing.json  like journal.begun.json, for an undo
//   journal.partial.json  put back except for some paths, whose copies here may be the only ones
//   journal.undone.json   put back by force; what others had changed since is saved here
//   journal.forced.json   an undo by force that was killed, of a former version
//
// INVARIANTS
// - A copy is removed only if its content is at its path again, by the command `drop`, or because of the limits. Until
//   then, each folder with a journal stays.
// - A folder gets its final name only after its journal is in it, and loses that name before anything in it is removed.
//   So a folder without a readable journal is damaged: it stays, and is listed.
// - The number in a folder's name gives the order of restores. The time in it does not, because the clock may be set
//   back.

const owner = { uid: z.number(), gid: z.number() };
/** An access control list in the kernel's form, in hexadecimal; left out if there is none. */
const list = z
  .string()
  .regex(/^[0-9a-f]+$/)
  .optional();
const presence = z
  .discriminatedUnion('kind', [
    z.object({
      kind: z.literal('file'),
      mode: z.number(),
      ...owner,
      size: z.number(),
      sha256: z.string(),
      acl: list,
    }),
    z.object({ kind: z.literal('link'), ...owner, target: z.string() }),
  ])
  .nullable();
const path = z.string().refine(isPlainPath);
const temporary = z.string().regex(/^\.alphorn-[0-9a-z.]+$/);
const copy = z.string().regex(/^\d+(?:\.\d+)?$/);

const schema = z.object({
  /** The liferaft and its host. */
  liferaft: z.string(),
  host: z.object({ id: z.string(), name: z.string() }),
  generation: z.number(),
  digest: z.string(),
  /** ISO 8601 in UTC. */
  at: z.string(),
  /** The folder that the paths are below. A former version left it out: it restored only below the host's own. */
  root: z.string().startsWith('/').optional(),
  /** The id of that folder, if it is not the host's own; see folderIdOf. */
  rootId: z.string().optional(),
  /** Folders that were missing, each before its content. */
  folders: z.array(path),
  /** Folders that existed, each before its content. One that is removed later can be made again. */
  parents: z
    .array(z.object({ path, mode: z.number(), ...owner, acl: list, defaultAcl: list, temporary }))
    .default([]),
  steps: z.array(
    z.object({
      path,
      before: presence,
      after: presence,
      /** The name of the new file next to it, which is put in its place. */
      temporary,
      /** The name of the copy of a file that was there. Journals on disks have this key. */
      kept: copy.optional(),
      /** What others had put there since, and an undo by force was to replace, with the names of the copies. */
      changed: z.array(z.object({ what: presence, kept: copy.optional() })).optional(),
    }),
  ),
});

/** What a restore does, path by path. */
export type Journal = z.output<typeof schema>;
export type Step = Journal['steps'][number];

const states = {
  staging: 'journal.staging.json',
  begun: 'journal.begun.json',
  done: 'journal.json',
  undoing: 'journal.undoing.json',
  partial: 'journal.partial.json',
  undone: 'journal.undone.json',
  forced: 'journal.forced.json',
} as const;
type State = keyof typeof states;

/** The folder of one restore: what it replaced, and its journal. */
export interface SavedRestore {
  /** Absolute. */
  folder: string;
  /** Later restores have higher numbers. Those of a former version have 0, and come first. */
  number: number;
  state: State;
  journal: Journal;
}

/** A restore whose changes are not known. */
export interface DamagedRestore {
  folder: string;
  number: number;
  state: 'damaged';
  /** Says which file is damaged, and what to do. */
  problem: string;
}

/** Whether a restore or undo has not ended: some of its paths may be restored, and others not. */
export function isHalfDone<T extends { state: State | 'damaged' }>(
  saved: T,
): saved is T & SavedRestore {
  return ['staging', 'begun', 'undoing', 'forced'].includes(saved.state);
}

/** The name of a restore in commands: its number, or its folder's name if it has none. */
export function idOf({ number, folder }: Pick<SavedRestore, 'number' | 'folder'>): string {
  return number === 0 ? basename(folder) : `${number}`;
}

/**
 * Makes the folder for a restore, which only root may enter. Its name is temporary until the journal is in it.
 * Faults: `no_space`
 */
export async function makeRestoreFolder(parent: string, at: Date): Promise<string> {
  const number = await nextNumber(parent);
  const time = at.toISOString().replace(/[-:]/g, '');
  const folder = join(parent, `${`${number}`.padStart(8, '0')}-${time}${unfinished}`);
  await mkdir(folder, { mode: 0o700 });
  return folder;
}

/** No number is used twice, so that nobody drops another restore than the one that was listed. */
async function nextNumber(parent: string): Promise<number> {
  const file = join(parent, 'counter');
  const counted = Number.parseInt((await readTextIfThere(file)) ?? '', 10);
  const found = (await namesIn(parent)).map((name) => numberIn(name) ?? 0);
  const number = Math.max(Number.isSafeInteger(counted) ? counted : 0, 0, ...found) + 1;
  await replaceFile(file, `${number}\n`, 0o600);
  return number;
}

/**
 * Writes the journal, and gives the folder its final name. All of it is on the disk when this returns.
 * @param folder from makeRestoreFolder
 */
export async function writeJournal(folder: string, journal: Journal): Promise<SavedRestore> {
  await createFile(join(folder, states.staging), JSON.stringify(journal), 0o600);
  const named = folder.slice(0, -unfinished.length);
  await rename(folder, named);
  await syncFolder(dirname(named));
  return { folder: named, number: numberIn(basename(named)) ?? 0, state: 'staging', journal };
}

/** Replaces the journal; the state stays. Faults: `no_space` */
export async function rewriteJournal(saved: SavedRestore, journal: Journal): Promise<SavedRestore> {
  await replaceFile(join(saved.folder, states[saved.state]), JSON.stringify(journal), 0o600);
  return { ...saved, journal };
}

/** Writes down the new state. */
export async function moveOn(saved: SavedRestore, state: State): Promise<SavedRestore> {
  if (state === saved.state) return saved;
  await rename(join(saved.folder, states[saved.state]), join(saved.folder, states[state]));
  await syncFolder(saved.folder);
  return { ...saved, state };
}

/** Deletes a restore and all its copies. */
export async function forget({ folder }: Pick<SavedRestore, 'folder'>): Promise<void> {
  const gone = `${folder}${removed}`;
  await rename(folder, gone);
  await syncFolder(dirname(folder));
  await rm(gone, { recursive: true, force: true });
}

/** Reads all saved restores, in their order. Changes nothing. */
export async function readRestores(parent: string): Promise<(SavedRestore | DamagedRestore)[]> {
  const restores: (SavedRestore | DamagedRestore)[] = [];
  for (const name of (await namesIn(parent)).filter((each) => folderPattern.test(each)).sort()) {
    const found = await readRestore(join(parent, name), numberIn(name) ?? 0);
    if (found) restores.push(found);
  }
  return restores.sort((a, b) => a.number - b.number);
}

/** Removes what killed commands left: folders of restores that had changed nothing yet, or were being deleted. */
export async function sweepRestores(parent: string): Promise<void> {
  for (const name of await namesIn(parent)) {
    if (!leftoverPattern.test(name)) continue;
    // If it cannot be removed, it is harmless.
    await rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined);
  }
  await removeTemporaries(parent).catch(() => undefined);
}

/** @returns undefined if it was deleted in the meantime */
async function readRestore(
  folder: string,
  number: number,
): Promise<SavedRestore | DamagedRestore | undefined> {
  let problem = 'is missing';
  let file = join(folder, states.done);
  // A command that is running may rename the journal, once or twice.
  for (let tries = 0; tries < 5; tries += 1) {
    const journals = (await namesIn(folder).catch(() => [])).filter((name) =>
      /^journal\b.*\.json$/.test(name),
    );
    const state = (Object.keys(states) as State[]).find((each) => journals.includes(states[each]));
    if (state === undefined) {
      if (journals[0] !== undefined) file = join(folder, journals[0]);
      if (journals.length > 0) problem = 'is of a later version';
      continue;
    }
    file = join(folder, states[state]);
    try {
      const text = await readTextIfThere(file);
      if (text === undefined) continue;
      return { folder, number, state, journal: schema.parse(JSON.parse(text)) };
    } catch {
      problem = 'is damaged';
      break;
    }
  }
  if (!(await namesIn(dirname(folder))).includes(basename(folder))) return undefined;
  return {
    folder,
    number,
    state: 'damaged',
    problem: `The journal of a former restore, ${file}, ${problem}, so it is not known what that restore changed. What was there before is next to it: put back by hand what is missing, then delete it with 'hactl alphorn restores drop ${idOf({ number, folder })}'.`,
  };
}

const unfinished = '.new';
const removed = '.gone';
const folderPattern = /^(?:\d{8}-)?\d{8}T\d{6}\.\d{3}Z$/;
const leftoverPattern = /^(?:\d{8}-)?\d{8}T\d{6}\.\d{3}Z\.(?:new|gone)$/;

function numberIn(name: string): number | undefined {
  const [, digits] = /^(\d{8})-/.exec(name) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
