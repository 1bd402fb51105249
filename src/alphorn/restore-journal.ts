import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { z } from 'zod';

import { Fault } from '../errors.ts';
import { createFile, namesIn, syncFolder } from '../files.ts';
import { isPlainPath } from './manifest.ts';

// What a restore is about to do stands in a journal before it does it, so that whatever ends it, the next can tell
// which paths it may have changed, and put back what was there. How far it came is in the journal's name, for to
// rename a file needs no room on a disk that is full:
//
//   journal.begun.json    some paths may be as restored, others as before: all are put back
//   journal.json          all are as restored; `undo` can put them back
//   journal.undoing.json  as the first, by an undo
//   journal.forced.json   the same, and what was changed since the restore is put back as well
//
// A folder without any of them has nothing but copies: nothing outside of it was touched, or all was put back.

const owner = { uid: z.number(), gid: z.number() };
const presence = z
  .discriminatedUnion('kind', [
    z.object({
      kind: z.literal('file'),
      mode: z.number(),
      ...owner,
      size: z.number(),
      sha256: z.string(),
      acl: z
        .string()
        .regex(/^[0-9a-f]+$/)
        .optional(),
    }),
    z.object({ kind: z.literal('link'), ...owner, target: z.string() }),
  ])
  .nullable();
const path = z.string().refine(isPlainPath);

const schema = z.object({
  /** Whose liferaft, and which. */
  liferaft: z.string(),
  host: z.object({ id: z.string(), name: z.string() }),
  generation: z.number(),
  digest: z.string(),
  /** ISO 8601 in UTC. */
  at: z.string(),
  /** Folders that were missing, each before what is in it. */
  folders: z.array(path),
  steps: z.array(
    z.object({
      path,
      before: presence,
      after: presence,
      /** The name of what is made beside it, to be put in its place. */
      temporary: z.string().regex(/^\.alphorn-[0-9a-z.]+$/),
      /** Of a file that was there: the name of its copy. */
      kept: z.string().regex(/^\d+$/).optional(),
    }),
  ),
});

/** What a restore does, path by path. */
export type Journal = z.output<typeof schema>;
export type Step = Journal['steps'][number];

const states = {
  begun: 'journal.begun.json',
  done: 'journal.json',
  undoing: 'journal.undoing.json',
  forced: 'journal.forced.json',
} as const;
type State = keyof typeof states;

/** The folder of one restore: what it replaced, and its journal. */
export interface KeptRestore {
  /** Absolute. */
  folder: string;
  state: State;
  journal: Journal;
}

/** How much is kept of what restores replaced. The latest restore is kept whatever its size and age. */
export interface KeepLimits {
  /** How many restores, the latest among them. */
  restores: number;
  /** Bytes of all copies. */
  bytes: number;
  days: number;
}

export const keepLimits: KeepLimits = { restores: 10, bytes: 1024 ** 3, days: 90 };

const dayMs = 24 * 3600 * 1000;

/**
 * The restores that are too many, too large or too old to be kept, the oldest first. With each, all older ones go:
 * an undo goes back restore by restore, and must find no gap.
 * @param done restores that can be undone, the newest last
 */
export function beyondLimits(
  done: readonly KeptRestore[],
  limits: KeepLimits,
  now: Date,
): KeptRestore[] {
  let bytes = 0;
  const newestBeyond = done.findLastIndex(({ journal }, index) => {
    bytes += journal.steps.reduce((sum, { before }) => sum + sizeOf(before), 0);
    const isLatest = index === done.length - 1;
    const isBeyond =
      done.length - index > limits.restores ||
      bytes > limits.bytes ||
      now.getTime() - Date.parse(journal.at) > limits.days * dayMs;
    return isBeyond && !isLatest;
  });
  return done.slice(0, newestBeyond + 1);
}

function sizeOf(before: Step['before']): number {
  return before?.kind === 'file' ? before.size : 0;
}

/** Makes the folder for a restore; nobody but root may enter. */
export async function makeRestoreFolder(parent: string, at: Date): Promise<string> {
  const name = at.toISOString().replace(/[-:]/g, '');
  const folder = join(parent, name);
  await mkdir(folder, { mode: 0o700 });
  return folder;
}

/** Writes what is to be done. It is on the disk when this returns, and so is all that is in the folder. */
export async function writeJournal(folder: string, journal: Journal): Promise<KeptRestore> {
  await createFile(join(folder, states.begun), JSON.stringify(journal), 0o600);
  await syncFolder(join(folder, '..'));
  return { folder, state: 'begun', journal };
}

/** Says how far it came. */
export async function moveOn(kept: KeptRestore, state: State): Promise<KeptRestore> {
  await rename(join(kept.folder, states[kept.state]), join(kept.folder, states[state]));
  await syncFolder(kept.folder);
  return { ...kept, state };
}

/** Forgets a restore of which nothing is left: the journal first, for without it there is nothing to be done. */
export async function forget({ folder, state }: KeptRestore): Promise<void> {
  await rm(join(folder, states[state]), { force: true });
  await syncFolder(folder);
  await rm(folder, { recursive: true, force: true });
}

/**
 * All restores of this host that can be undone, or were not finished; the newest last. What a killed one kept before
 * it changed anything is removed.
 * Faults: `restore_failed` if a journal is damaged
 */
export async function readRestores(parent: string): Promise<KeptRestore[]> {
  const restores: KeptRestore[] = [];
  for (const name of (await namesIn(parent)).filter((each) => folderPattern.test(each)).sort()) {
    const folder = join(parent, name);
    const inside = await namesIn(folder);
    const found = (Object.keys(states) as State[]).find((state) => inside.includes(states[state]));
    if (found === undefined) {
      await rm(folder, { recursive: true, force: true });
      continue;
    }
    const file = join(folder, states[found]);
    restores.push({ folder, state: found, journal: parse(file, await readFile(file, 'utf8')) });
  }
  return restores;
}

/** Faults: `restore_failed` */
function parse(file: string, text: string): Journal {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new Fault(
      'restore_failed',
      `The record of a former restore, ${file}, is damaged, so it cannot be told what that restore changed. Nothing was done. What was there before is kept next to it: put back by hand what is missing, remove that folder, and ask again.`,
    );
  }
}

const folderPattern = /^\d{8}T\d{6}\.\d{3}Z$/;
