import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Fault } from './errors.ts';
import { systemErrorCode } from './errors.ts';
import { orNoSpace } from './files.ts';

/**
 * Lets one process at a time do something: the agent, or a `hactl` that runs at the same time.
 *
 * INVARIANTS
 * - Each process first makes a file of its own, and then looks for others, so that of two at least one sees the other.
 *   Two that begin at the same moment may both be refused.
 * - The file's name has the process's id and the time of its start. So a file that a killed process left is known as
 *   such, even if another process has that id by now, and the next caller removes it.
 *
 * @param name what the lock is called in the folder, which has to be there
 * @param busy makes the fault for who finds the lock held
 * Faults: `no_space`, that of `busy`, those of the work
 */
export async function withProcessLock<T>(
  folder: string,
  name: string,
  busy: () => Fault,
  work: () => Promise<T>,
): Promise<T> {
  const prefix = `${name}.`;
  const own = `${prefix}${process.pid}.${(await startOf(process.pid)) ?? 0}`;
  await orNoSpace(folder, () =>
    writeFile(join(folder, own), '', { flag: 'wx', mode: 0o600 }).catch((error: unknown) => {
      if (systemErrorCode(error) === 'EEXIST') throw busy();
      throw error;
    }),
  );
  try {
    for (const other of await readdir(folder)) {
      if (!other.startsWith(prefix) || other === own) continue;
      const [, pid, start] = /^(\d+)\.(\d+)$/.exec(other.slice(prefix.length)) ?? [];
      if (pid === undefined) continue;
      if ((await startOf(Number(pid))) === start) throw busy();
      await rm(join(folder, other), { force: true });
    }
    return await work();
  } finally {
    await rm(join(folder, own), { force: true });
  }
}

/** When a process began, in ticks since the boot (proc_pid_stat(5), field 22); undefined if there is none. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold anything.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
