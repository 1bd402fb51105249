import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ifThere } from '../kit/files/files.ts';

/** A process of a unit that a signal or a debugger has stopped: it answers nobody until it is continued. */
export interface StoppedProcess {
  unit: string;
  /** The kernel's name of it: 15 characters at most (proc(5), `comm`). */
  name: string;
  pid: number;
}

/** Where the kernel shows the processes of a unit, and their states. */
export interface KernelFolders {
  /** The control groups of systemd's services, a folder for each unit. */
  units: string;
  proc: string;
}

const kernel: KernelFolders = { units: '/sys/fs/cgroup/system.slice', proc: '/proc' };

/**
 * The stopped processes of these units. It starts no process and asks none, so it works even if nothing else does. It
 * reads one small file for each process of the units.
 * @param units with `.service`; a unit that does not run has no processes
 */
export async function readStoppedProcesses(
  units: readonly string[],
  { units: folder, proc }: KernelFolders = kernel,
): Promise<StoppedProcess[]> {
  const found = await Promise.all(
    units.map(async (unit) => {
      const pids = (await readIfThere(join(folder, unit, 'cgroup.procs'))) ?? '';
      return Promise.all(
        pids
          .split('\n')
          .filter((pid) => pid !== '')
          .map(async (pid) => stoppedOf(unit, await readIfThere(join(proc, pid, 'stat')))),
      );
    }),
  );
  return found.flat().filter((each) => each !== undefined);
}

// proc(5): the pid, the name in parentheses, which may contain any character, and the state. `T` is stopped by a signal,
// `t` by a debugger.
const stoppedStat = /^(\d+) \((.*)\) [Tt] [^)]*$/s;

function stoppedOf(unit: string, stat: string | undefined): StoppedProcess | undefined {
  const [, pid, name = ''] = stoppedStat.exec(stat ?? '') ?? [];
  return pid === undefined ? undefined : { unit, name, pid: Number(pid) };
}

function readIfThere(path: string): Promise<string | undefined> {
  // ESRCH: the process ended while its file was open. ENODEV: so did the unit, with its control group.
  return ifThere(readFile(path, 'utf8'), ['ENOENT', 'ESRCH', 'ENODEV']);
}
