import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { toolFolders } from '../paths.ts';

// A stamp shows whether something on the disk has changed, for a fraction of the cost of reading it. A watcher would have
// to be kept running, and new folders would have to be added to it.

/** Changes whenever the file or folder is made, replaced, written to, given another mode, or removed. */
export async function fileStamp(path: string): Promise<string> {
  try {
    // Uses the change time because a package may bring a new file with the old modification time.
    const { ino, ctimeMs } = await stat(path);
    return `${ino}:${ctimeMs}`;
  } catch {
    return 'none';
  }
}

/**
 * Changes whenever the stamp of a file in the folder does.
 * @param prefix of the names that count
 */
export async function folderStamp(path: string, prefix = ''): Promise<string> {
  const names = (await namesIn(path)).filter((name) => name.startsWith(prefix));
  return joined(names, (name) => fileStamp(join(path, name)));
}

/** Changes whenever the stamp of a file in one of the folder's subfolders does. */
export async function subfoldersStamp(path: string): Promise<string> {
  return joined(await namesIn(path), (name) => folderStamp(join(path, name)));
}

/** The stamp of the file that runs as the command `tool`. */
export async function toolStamp(tool: string): Promise<string> {
  return joined(toolFolders, (folder) => fileStamp(join(folder, tool)));
}

async function joined(
  names: readonly string[],
  stampOf: (name: string) => Promise<string>,
): Promise<string> {
  const stamps = await Promise.all(names.map(async (name) => `${name} ${await stampOf(name)}`));
  return `(${stamps.join()})`;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch {
    // There is no such folder, or it is not a folder.
    return [];
  }
}
