import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Fault, systemErrorCode } from '../errors.ts';
import { orFault } from './exchange.ts';

/**
 * Lets one process at a time restore: the agent, or a hactl beside it.
 *
 * INVARIANTS
 * - Each makes a file of its own first, and looks for others then, so that of two at least one sees the other. Two
 *   that begin at the same moment may both be refused.
 * - The file's name has the process's id and the time of its start, so that what a killed process left is known as
 *   such, and removed by the next, also if another has its id by now.
 *
 * @param folder that is there
 * Faults: `restore_busy`, `no_space`, `restore_failed`, those of the work
 */
export async function withRestoreLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const own = `${prefix}${process.pid}.${(await startOf(process.pid)) ?? 0}`;
  await orFault(folder, () =>
    writeFile(join(folder, own), '', { flag: 'wx', mode: 0o600 }).catch((error: unknown) => {
      if (systemErrorCode(error) === 'EEXIST') throw busy();
      throw error;
    }),
  );
  try {
    for (const name of await readdir(folder)) {
      const [, pid, start] = pattern.exec(name) ?? [];
      if (pid === undefined || name === own) continue;
      if ((await startOf(Number(pid))) === start) throw busy();
      await rm(join(folder, name), { force: true });
    }
    return await work();
  } finally {
    await rm(join(folder, own), { force: true });
  }
}

const prefix = 'lock.';
const pattern = /^lock\.(\d+)\.(\d+)$/;

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

function busy(): Fault {
  return new Fault(
    'restore_busy',
    'Another restore is under way on this host, through the agent or by hactl. Nothing was done; ask again when it is over.',
  );
}
