import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { waitUntil } from './wait.ts';

// Each process of a lab and its children are in a control group that is named after the lab. So the lab's
// processes are found without a list, which a killed `up` would leave wrong, and only the lab's
// own processes are ever ended.
//
// systemd in a node needs the groups as well: two nodes that were started in the same group would
// share one tree of units.

/** The folders of control groups: one with cgroup v2, two if systemd's v1 tree exists as well. */
function hierarchies(): string[] {
  const base = '/sys/fs/cgroup';
  const found = existsSync(join(base, 'cgroup.controllers'))
    ? [base]
    : [join(base, 'unified'), join(base, 'systemd')].filter((path) => existsSync(path));
  if (found.length === 0) {
    throw new Error(`No control groups under ${base} that systemd could use: mount cgroup2 there.`);
  }
  return found;
}

const groupOf = (hierarchy: string, lab: string, part?: string): string =>
  join(hierarchy, 'ha-agent-lab', lab, ...(part === undefined ? [] : [part]));

/**
 * Makes the groups of a part of a lab.
 * @returns their folders, one for each hierarchy
 */
export async function makeGroups(lab: string, part: string): Promise<string[]> {
  const folders = hierarchies().map((hierarchy) => groupOf(hierarchy, lab, part));
  for (const folder of folders) {
    await mkdir(folder, { recursive: true });
  }
  return folders;
}

/** The ids of the processes of a lab, or of a part of it. */
export async function processesOf(lab: string, part?: string): Promise<number[]> {
  const [hierarchy] = hierarchies();
  return processesBelow(groupOf(hierarchy ?? '', lab, part));
}

async function processesBelow(folder: string): Promise<number[]> {
  const here = await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '');
  const below = await Promise.all((await subfolders(folder)).map(processesBelow));
  return [...here.split('\n').filter(Boolean).map(Number), ...below.flat()];
}

/**
 * Kills all processes of a lab or of a part of it, and removes their groups.
 * @throws {Error} if some are still there after the wait
 */
export async function endProcesses(lab: string, part?: string): Promise<void> {
  await waitUntil(
    `the processes of the lab ${lab} to end`,
    async () => {
      const alive = await processesOf(lab, part);
      alive.forEach(kill);
      return alive.length === 0;
    },
    { everyMs: 50 },
  );
  for (const hierarchy of hierarchies()) {
    await removeGroups(groupOf(hierarchy, lab, part));
    await rmdir(join(hierarchy, 'ha-agent-lab')).catch(() => undefined);
  }
}

/**
 * Freezes parts of a lab at the same time, as in a standstill of a machine (cgroups(7), `cgroup.freeze`).
 * @returns when they run again; they also do so if this process ends in the meantime
 */
export async function freezeProcesses(
  lab: string,
  parts: readonly string[],
  seconds: number,
): Promise<void> {
  const [hierarchy] = hierarchies();
  const files = parts.map((part) => join(groupOf(hierarchy ?? '', lab, part), 'cgroup.freeze'));
  const script = 'for f; do echo 1 > "$f"; done; sleep "$0"; for f; do echo 0 > "$f"; done';
  await execa('sh', ['-c', script, `${seconds}`, ...files], { detached: true, stdio: 'ignore' });
}

/** Removes a control group. rmdir removes its folder although it shows files, but only if there are no groups in it. */
async function removeGroups(folder: string): Promise<void> {
  for (const below of await subfolders(folder)) {
    await removeGroups(below);
  }
  await rmdir(folder).catch(() => undefined);
}

async function subfolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
}

/** Sends SIGKILL; ignores a process that has ended in the meantime. */
export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) {
      throw error;
    }
  }
}
