import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Fault } from '../fault.ts';
import { systemErrorCode } from '../fault.ts';
import { namesIn, orNoSpace } from '../files/files.ts';
import { processStart } from '../process-start.ts';

/**
 * Lets one process at a time do something: the agent, or a `hactl` that runs at the same time.
 *
 * INVARIANTS
 * - Each process first makes its own file and then looks for others, so at least one of two processes sees the other.
 *   Two that begin at the same moment may both be refused.
 * - The file's name holds the process's id and start time. So the file of a killed process is recognized, even if its id
 *   belongs to another process by now. The next caller removes it.
 *
 * @param folder must exist
 * @param name the lock's name in the folder
 * @param busy makes the fault for a caller that finds the lock held
 * Faults: `no_space`, that of `busy`, those of the work
 */
export async function withProcessLock<T>(
  folder: string,
  name: string,
  busy: () => Fault,
  work: () => Promise<T>,
): Promise<T> {
  const prefix = `${name}.`;
  const own = `${prefix}${process.pid}.${(await processStart(process.pid)) ?? 0}`;
  await orNoSpace(folder, () =>
    writeFile(join(folder, own), '', { flag: 'wx', mode: 0o600 }).catch((error: unknown) => {
      if (systemErrorCode(error) === 'EEXIST') throw busy();
      throw error;
    }),
  );
  try {
    for (const other of await readdir(folder)) {
      if (other === own) continue;
      const isHeld = await isHeldBy(prefix, other);
      if (isHeld) throw busy();
      if (isHeld === false) await rm(join(folder, other), { force: true });
    }
    return await work();
  } finally {
    await rm(join(folder, own), { force: true });
  }
}

/** Whether a process holds the lock now. @param folder need not exist */
export async function isProcessLockHeld(folder: string, name: string): Promise<boolean> {
  for (const each of await namesIn(folder)) if (await isHeldBy(`${name}.`, each)) return true;
  return false;
}

/** Whether the process that made the file is still running; undefined if the file is not a lock's. */
async function isHeldBy(prefix: string, file: string): Promise<boolean | undefined> {
  if (!file.startsWith(prefix)) return undefined;
  const [, pid, start] = /^(\d+)\.(\d+)$/.exec(file.slice(prefix.length)) ?? [];
  return pid === undefined ? undefined : (await processStart(Number(pid))) === start;
}
