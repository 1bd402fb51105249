import { type Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { ifThere, readTextUpTo } from '../../../kit/files/files.ts';

/** Folders of units that outlive a boot (systemd.unit(5)). `/lib` is a link to `/usr/lib`, or a folder of its own. */
export const unitFolders = [
  '/etc/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
] as const;

/** Max bytes of a file; a unit has a few hundred. */
export const maxUnitBytes = 64 * 1024;
const maxUnits = 10_000;

/** Whether a path is a unit that may run as a user, or a drop-in of one. */
export function isUnit(path: string): boolean {
  return unitFolders.some((folder) => path.startsWith(`${folder}/`)) && unitName.test(path);
}

const unitName = /\/[^/]+\.(?:service|socket|mount|swap)(?:\.d\/[^/]+\.conf)?$/;

/**
 * Reads the texts of all units of a host, by path. One that cannot be read is left out.
 * @param root the folder that counts as `/`
 */
export async function readUnitFiles(root: string): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const folder of unitFolders) {
    for (const path of await unitsIn(root, folder)) {
      if (texts.size >= maxUnits) return texts;
      const text = await readTextUpTo(join(root, path), maxUnitBytes).catch(() => undefined);
      if (typeof text === 'string') texts.set(path, text);
    }
  }
  return texts;
}

async function unitsIn(root: string, folder: string): Promise<string[]> {
  const inside: string[] = [];
  for (const entry of await entriesOf(join(root, folder))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isFile()) inside.push(path);
    if (!entry.isDirectory() || !entry.name.endsWith('.d')) continue;
    for (const { name } of await entriesOf(join(root, path))) inside.push(`${path}/${name}`);
  }
  return inside.filter(isUnit).sort();
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  const missing = ['ENOENT', 'ENOTDIR', 'ELOOP'];
  return (await ifThere(readdir(folder, { withFileTypes: true }), missing)) ?? [];
}
