import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { z } from 'zod';

import {
  createFile,
  namesIn,
  readTextIfThere,
  removeTemporaries,
  replaceFile,
  syncFolder,
} from '../../kit/files/files.ts';
import { isPlainPath } from '../format/paths.ts';

// What a restore is about to do is in a journal before it does it, so that whatever ends it, the next command can tell
// which paths it may have changed, and put back what was there. How far it came is in the journal's name, for to
// rename a file needs no room on a disk that is full:
//
//   journal.staging.json  no path has changed, but what is to be put in place may be beside it
//   journal.begun.json    some paths may be as restored, others as before: all are put back
//   journal.json          all are as restored; `undo` can put them back
//   journal.undoing.json  as the first, by an undo
//   journal.partial.json  put back except for some paths, of which the copies here may be the only ones
//   journal.undone.json   put back by force; what others had changed since is kept here
//   journal.forced.json   by a former version: an undo by force that was killed
//
// INVARIANTS
// - A copy is removed only when what it was made of is known to be at its path again, by a command of its own (`drop`),
//   or beyond the limits. So each folder with a journal stays until one of these.
// - A folder gets its name only with its journal in it, and loses the name before anything in it is removed. So one
//   without a readable journal is damaged: it stays, and is named.
// - The number in a folder's name is the order of restores. The clock, of which the time there is, may be put back.

const owner = { uid: z.number(), gid: z.number() };
/** An access control list, as the kernel has it, in hexadecimal; there is none, if nothing is said. */
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
  /** Whose liferaft, and which. */
  liferaft: z.string(),
  host: z.object({ id: z.string(), name: z.string() }),
  generation: z.number(),
  digest: z.string(),
  /** ISO 8601 in UTC. */
  at: z.string(),
  /** What the paths are below; a former version knew none but that of the host. */
  root: z.string().startsWith('/').optional(),
  /** What tells that folder from another at the same place, where it is not the host's own; see folderIdOf. */
  rootId: z.string().optional(),
  /** Folders that were missing, each before what is in it. */
  folders: z.array(path),
  /** Folders that were there, so that one that is removed later can be made again; each before what is in it. */
  parents: z
    .array(z.object({ path, mode: z.number(), ...owner, acl: list, defaultAcl: list, temporary }))
    .default([]),
  steps: z.array(
    z.object({
      path,
      before: presence,
      after: presence,
      /** The name of what is made beside it, to be put in its place. */
      temporary,
      /** Of a file that was there: the name of its copy. */
      kept: copy.optional(),
      /** What others had put there since, and an undo by force was to replace; with the name of its copy. */
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
  /** Of two restores, the later one has the higher; those of a former version have 0, and are before all others. */
  number: number;
  state: State;
  journal: Journal;
}

/** One of which it cannot be told what it changed. */
export interface DamagedRestore {
  folder: string;
  number: number;
  state: 'damaged';
  /** Which file is damaged, and what to do. */
  problem: string;
}

/** Whether a command has not ended with it: some of its paths may be as restored, and others as before. */
export function isHalfDone<T extends { state: State | 'damaged' }>(
  saved: T,
): saved is T & SavedRestore {
  return ['staging', 'begun', 'undoing', 'forced'].includes(saved.state);
}

/** What a restore is called in a command: its number, or its folder's name where it has none. */
export function idOf({ number, folder }: Pick<SavedRestore, 'number' | 'folder'>): string {
  return number === 0 ? basename(folder) : `${number}`;
}

/**
 * Makes the folder for a restore, under a name that it loses when its journal is in it; nobody but root may enter.
 * Faults: `no_space`
 */
export async function makeRestoreFolder(parent: string, at: Date): Promise<string> {
  const number = await nextNumber(parent);
  const time = at.toISOString().replace(/[-:]/g, '');
  const folder = join(parent, `${`${number}`.padStart(8, '0')}-${time}${unfinished}`);
  await mkdir(folder, { mode: 0o700 });
  return folder;
}

/** No number is given twice, so that nobody drops another restore than the one that was listed. */
async function nextNumber(parent: string): Promise<number> {
  const file = join(parent, 'counter');
  const counted = Number.parseInt((await readTextIfThere(file)) ?? '', 10);
  const found = (await namesIn(parent)).map((name) => numberIn(name) ?? 0);
  const number = Math.max(Number.isSafeInteger(counted) ? counted : 0, 0, ...found) + 1;
  await replaceFile(file, `${number}\n`, 0o600);
  return number;
}

/**
 * Writes what is to be done, and gives the folder its name. All is on the disk when this returns.
 * @param folder from makeRestoreFolder
 */
export async function writeJournal(folder: string, journal: Journal): Promise<SavedRestore> {
  await createFile(join(folder, states.staging), JSON.stringify(journal), 0o600);
  const named = folder.slice(0, -unfinished.length);
  await rename(folder, named);
  await syncFolder(dirname(named));
  return { folder: named, number: numberIn(basename(named)) ?? 0, state: 'staging', journal };
}

/** Writes down more, at the same state. Faults: `no_space` */
export async function rewriteJournal(saved: SavedRestore, journal: Journal): Promise<SavedRestore> {
  await replaceFile(join(saved.folder, states[saved.state]), JSON.stringify(journal), 0o600);
  return { ...saved, journal };
}

/** Says how far it came. */
export async function moveOn(saved: SavedRestore, state: State): Promise<SavedRestore> {
  if (state === saved.state) return saved;
  await rename(join(saved.folder, states[saved.state]), join(saved.folder, states[state]));
  await syncFolder(saved.folder);
  return { ...saved, state };
}

/** Forgets a restore and all copies. */
export async function forget({ folder }: Pick<SavedRestore, 'folder'>): Promise<void> {
  const gone = `${folder}${removed}`;
  await rename(folder, gone);
  await syncFolder(dirname(folder));
  await rm(gone, { recursive: true, force: true });
}

/** All restores that were kept, in their order. It changes nothing. */
export async function readRestores(parent: string): Promise<(SavedRestore | DamagedRestore)[]> {
  const restores: (SavedRestore | DamagedRestore)[] = [];
  for (const name of (await namesIn(parent)).filter((each) => folderPattern.test(each)).sort()) {
    const found = await readRestore(join(parent, name), numberIn(name) ?? 0);
    if (found) restores.push(found);
  }
  return restores.sort((a, b) => a.number - b.number);
}

/** Removes what killed commands left that is no restore: nothing was changed yet, or it is to be forgotten. */
export async function sweepRestores(parent: string): Promise<void> {
  for (const name of await namesIn(parent)) {
    if (!leftoverPattern.test(name)) continue;
    // Whatever holds it is in nobody's way.
    await rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined);
  }
  await removeTemporaries(parent).catch(() => undefined);
}

/** @returns undefined if it was forgotten meanwhile */
async function readRestore(
  folder: string,
  number: number,
): Promise<SavedRestore | DamagedRestore | undefined> {
  let problem = 'is missing';
  let file = join(folder, states.done);
  // A command that runs meanwhile may give the journal another name, once or twice.
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
    problem: `The journal of a former restore, ${file}, ${problem}, so it is not known what that restore changed. What was there before is kept next to it: put back by hand what is missing, then remove it with 'hactl alphorn restores drop ${idOf({ number, folder })}'.`,
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
