import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { namesIn, orNoSpace } from './files.ts';

// Files for tools that take their input only from a file. They are in memory, so that no read needs room on a disk. Their
// folder has a name that nobody can guess, because everybody may write to /dev/shm.

const ours = /^ha-agent-(\d+)-\w{6}$/;

/**
 * Runs work in a new folder that only root can access, and removes the folder afterwards.
 * @param memory a folder in memory, see paths.ts
 * Faults: `no_space`, those of the work
 */
export async function inMemoryFolder<T>(
  memory: string,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  return orNoSpace(memory, async () => {
    const folder = await mkdtemp(join(memory, `ha-agent-${process.pid}-`));
    try {
      return await work(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}

/** Removes the folders of killed processes, which may contain passwords. */
export async function removeMemoryFolders(memory: string): Promise<void> {
  for (const name of await namesIn(memory)) {
    const pid = ours.exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    const path = join(memory, name);
    const isOurs = (await stat(path).catch(() => undefined))?.uid === process.getuid?.();
    if (isOurs) await rm(path, { recursive: true, force: true });
  }
}
