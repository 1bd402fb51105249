import { lchown, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { z } from 'zod';

import { Fault } from '../../errors.ts';
import { createFile, lstatIfThere, readTextIfThere } from '../../files.ts';
import { orFault } from '../exchange.ts';
import { asFile, type HostFolder, openFolder } from '../host-folder.ts';
import { isPlainPath } from '../manifest.ts';

// Files outside of a liferaft go with their account when that gets another number. Which ones stands on the disk before
// the first is changed, next to the journal of the restore, so that an undo, or whoever finishes a restore that was
// killed, can give them back. Each is changed only if it has the owner that it should have by then.

const number = z.number().int().min(0);
const owner = z.object({ uid: number, gid: number });
const schema = z.array(
  z.object({ path: z.string().refine(isPlainPath), before: owner, after: owner }),
);

/** A path, and who owns it before and after. */
export type Handover = z.output<typeof schema>[number];

const fileName = 'owners.json';

/** Writes down what is to be handed over. @param folder of the restore */
export async function planHandovers(folder: string, handovers: readonly Handover[]): Promise<void> {
  if (handovers.length === 0) return;
  await createFile(join(folder, fileName), JSON.stringify(handovers), 0o600);
}

/** Gives each file its new owner. It can be done again, however far it came. */
export async function handOver(root: string, folder: string): Promise<void> {
  for (const { path, before, after } of await readHandovers(folder)) {
    await giveTo(root, path, before, after);
  }
}

/** Gives a file back, if it still has its new owner. It can be done again. Faults: `restore_failed` */
export async function giveBack(root: string, { path, before, after }: Handover): Promise<void> {
  await giveTo(root, path, after, before);
}

/** What a restore hands over. Faults: `restore_failed` */
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

async function giveTo(root: string, path: string, from: Owner, to: Owner): Promise<void> {
  const parent = await openFolder(root, dirname(path));
  if (!('at' in parent)) return;
  try {
    await orFault(path, () => giveIn(parent, basename(path), from, to));
  } finally {
    await parent.close();
  }
}

async function giveIn(parent: HostFolder, name: string, from: Owner, to: Owner): Promise<void> {
  const stats = await lstatIfThere(parent.at(name));
  if (stats === undefined) return;
  const isFrom = ({ uid, gid }: Owner) => uid === from.uid && gid === from.gid;
  if (!isFrom(stats)) return;
  if (!stats.isFile() && !stats.isDirectory()) {
    await lchown(parent.at(name), to.uid, to.gid);
    return;
  }
  const handle = await open(parent.at(name), asFile);
  try {
    const opened = await handle.stat();
    if (!isFrom(opened)) return;
    await handle.chown(to.uid, to.gid);
    // A change of owner takes setuid and setgid away (chown(2)).
    if ((opened.mode & 0o6000) !== 0) await handle.chmod(opened.mode & 0o7777);
  } finally {
    await handle.close();
  }
}
