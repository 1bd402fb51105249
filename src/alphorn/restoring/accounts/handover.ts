import type { Stats } from 'node:fs';
import { lchown, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import * as z from 'zod';

import { Fault } from '../../../kit/fault.ts';
import { createFile, lstatIfThere, readTextIfThere } from '../../../kit/files/files.ts';
import { orFault } from '../path-faults.ts';
import { asFile, type HostFolder, openFolder } from '../host-folder.ts';
import { isPlainPath } from '../../format/paths.ts';

// Files outside of a liferaft stay with their account when it gets another number. The list of them is on the disk,
// next to the journal of the restore, before the first is changed. So an undo, or the command that finishes a killed
// restore, can give them back. A file is changed only if it has the expected owner.

const number = z.number().int().min(0);
const owner = z.object({ uid: number, gid: number });
const schema = z.array(
  z.object({
    path: z.string().refine(isPlainPath),
    before: owner,
    after: owner,
    /** Present for a file with setuid or setgid, which it may lose by a kill. */
    mode: number.optional(),
  }),
);

/** A path, and its owners before and after. */
export type Handover = z.output<typeof schema>[number];

const fileName = 'owners.json';

/** Setuid and setgid. A change of owner removes them (chown(2)), so they are set again. */
export const special = 0o6000;

/** Writes down what will be handed over. @param folder the folder of the restore */
export async function planHandovers(folder: string, handovers: readonly Handover[]): Promise<void> {
  if (handovers.length === 0) return;
  await createFile(join(folder, fileName), JSON.stringify(handovers), 0o600);
}

/** Gives each file its new owner. It can be repeated after it was interrupted at any point. */
export async function handOver(root: string, folder: string): Promise<void> {
  for (const { path, before, after } of await readHandovers(folder)) {
    await giveTo(root, path, before, after);
  }
}

/**
 * Gives a file back, if it still has its new owner. It can be repeated.
 * @param wasKilled whether a kill may have removed setuid or setgid; otherwise somebody removed them on purpose
 * Faults: `restore_failed`
 */
export async function giveBack(
  root: string,
  { path, before, after, mode }: Handover,
  wasKilled: boolean,
): Promise<void> {
  await giveTo(root, path, after, before, wasKilled ? mode : undefined);
}

/** Reads what a restore hands over. Faults: `restore_failed` */
export async function readHandovers(folder: string): Promise<Handover[]> {
  const file = join(folder, fileName);
  const text = await readTextIfThere(file);
  if (text === undefined) return [];
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new Fault(
      'restore_failed',
      `${file} is damaged, so it is not known which files got another owner`,
    );
  }
}

type Owner = Handover['before'];

async function giveTo(
  root: string,
  path: string,
  from: Owner,
  to: Owner,
  mode?: number,
): Promise<void> {
  const parent = await openFolder(root, dirname(path));
  if (!('at' in parent)) return;
  try {
    await orFault(path, () => giveIn(parent, basename(path), from, to, mode));
  } finally {
    await parent.close();
  }
}

/** @param mode the mode of a file that may have lost setuid or setgid by a kill after its owner was changed */
async function giveIn(
  parent: HostFolder,
  name: string,
  from: Owner,
  to: Owner,
  mode?: number,
): Promise<void> {
  const stats = await lstatIfThere(parent.at(name));
  if (stats === undefined) return;
  const isOf = ({ uid, gid }: Owner, owned: Owner) => uid === owned.uid && gid === owned.gid;
  const hasLost = (now: Stats) =>
    mode !== undefined && now.isFile() && ((now.mode ^ mode) & 0o7777 & ~special) === 0;
  const isOurs = (now: Stats) => isOf(from, now) || (isOf(to, now) && hasLost(now));
  if (!isOurs(stats)) return;
  if (!stats.isFile() && !stats.isDirectory()) {
    await lchown(parent.at(name), to.uid, to.gid);
    return;
  }
  const handle = await open(parent.at(name), asFile);
  try {
    const opened = await handle.stat();
    if (!isOurs(opened)) return;
    const wanted = mode !== undefined && hasLost(opened) ? mode : opened.mode & 0o7777;
    if (isOf(from, opened)) await handle.chown(to.uid, to.gid);
    if ((wanted & special) !== 0) await handle.chmod(wanted);
  } finally {
    await handle.close();
  }
}
