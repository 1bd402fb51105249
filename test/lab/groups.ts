import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { waitUntil } from './wait.ts';

// Each process of a lab is in a control group that is named after the lab, and its children with it. So the lab's
// processes are found without keeping a list of them, which a killed `up` would leave wrong, and none but the lab's
// own is ever ended.
//
// The groups are also what systemd in a node needs: two nodes that were started in one and the same group would
// share one tree of units.

/** Where control groups of processes are made: one folder with cgroup v2, two when systemd's v1 tree is beside it. */
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
 * @returns their folders, one a hierarchy
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
 * @throws {Error} when some are still there after the wait
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
 * Has parts of a lab stand still, all at the same time, as on a machine that does (cgroups(7), `cgroup.freeze`).
 * @returns when they go on; they do so as well if this process ends meanwhile
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

/** A control group is a folder that goes away with rmdir although it shows files, and only without groups below. */
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

/** SIGKILL; a process that has ended meanwhile is fine. */
export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) {
      throw error;
    }
  }
}
