import { rm, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { makeSerializer } from '../kit/concurrency/serialize.ts';
import { systemErrorCode } from '../kit/fault.ts';
import { ifThere, readTextIfThere } from '../kit/files/files.ts';
import { kernelFile } from '../kit/files/kernel-file.ts';
import { readDump, type VrrpInstance } from '../parsers/keepalived/dump.ts';

/** The files of one keepalived. */
export interface KeepalivedFiles {
  /** The id of its parent process (`-p`). */
  pidFile: string;
  /** Where its `/tmp/keepalived.json` appears on the host. */
  dump: string;
}

/** A process of keepalived. */
export interface KeepalivedChild {
  pid: number;
  /** Whether a signal has stopped it. */
  isStopped: boolean;
}

export interface KeepalivedProcess {
  /** The id of the parent process, or undefined if it does not run. */
  pid(): Promise<number | undefined>;
  /**
   * The VRRP instances as keepalived itself sees them.
   * @param maxMs the max time for the answer, a second by default
   * @returns undefined if keepalived does not run, or gives no answer in this time
   */
  instances(maxMs?: number): Promise<readonly VrrpInstance[] | undefined>;
  /** The parent and its children; empty if it does not run. */
  processes(): Promise<readonly KeepalivedChild[]>;
}

/**
 * The signal for JSON, SIGRTMIN+2. `keepalived --signum=JSON` prints this number in 2.1.5, 2.2.7 and 2.3.3, all of which
 * Debian builds with JSON.
 */
const jsonSignal = 36;

/** keepalived answers after some 15 ms. It may be busy with a reload. */
const answerMs = 1000;
const lookEveryMs = 5;

/**
 * Asks a running keepalived. No process is started for that. The address on the interface is no answer, because it stays
 * there after a crash, and because a fault and a backup look alike.
 */
export function makeKeepalivedProcess({ pidFile, dump }: KeepalivedFiles): KeepalivedProcess {
  // Two questions at once would read each other's file.
  const oneByOne = makeSerializer();
  /** The parent of the last look. It writes its id once, when it starts. */
  let known: { pid: number; startedAt: string } | undefined;
  const pid = async () => {
    if (known !== undefined && processOf(known.pid)?.startedAt === known.startedAt) {
      return known.pid;
    }
    known = undefined;
    const text = await ifThere(readTextIfThere(pidFile), ['ENOENT', 'ELOOP', 'ENOTDIR']);
    const id = Number(/^(\d{1,10})\s*$/.exec(text ?? '')?.[1] ?? NaN);
    const found = Number.isNaN(id) ? undefined : processOf(id);
    // The id of a process that is gone may belong to another one.
    if (found?.name !== 'keepalived') return undefined;
    known = { pid: id, startedAt: found.startedAt };
    return id;
  };
  const ask = async (maxMs: number) => {
    const running = await pid();
    if (running === undefined) return undefined;
    await removeIfAllowed(dump);
    const former = await stampOf(dump);
    return signal(running) ? dumped(dump, former, maxMs) : undefined;
  };
  const processes = async () => {
    const parent = await pid();
    if (parent === undefined) return [];
    return [parent, ...childrenOf(parent)].flatMap((id) => {
      const found = processOf(id);
      return found === undefined ? [] : [{ pid: id, isStopped: found.isStopped }];
    });
  };
  return { pid, instances: (maxMs = answerMs) => oneByOne(() => ask(maxMs)), processes };
}

/** The folder belongs to the service of keepalived, and may be read-only here. */
async function removeIfAllowed(path: string): Promise<void> {
  await ifThere(rm(path, { force: true }), ['EROFS', 'EACCES', 'EPERM']);
}

/** keepalived replaces the file, so that a new one differs in this. */
async function stampOf(path: string): Promise<string> {
  const stats = await ifThere(stat(path, { bigint: true }));
  return stats ? `${stats.ino} ${stats.mtimeNs} ${stats.ctimeNs}` : '';
}

/** proc_pid_task(5), `children`. */
function childrenOf(pid: number): number[] {
  const text = kernelFile(`/proc/${pid}/task/${pid}/children`);
  return (text ?? '').split(' ').filter(Boolean).map(Number);
}

interface ProcessStat {
  name: string;
  isStopped: boolean;
  /** In ticks since the boot, which tells it from a later process of the same id. */
  startedAt: string;
}

/** proc_pid_stat(5). @returns undefined if it has ended, even if its parent has not noticed yet */
function processOf(pid: number): ProcessStat | undefined {
  const text = kernelFile(`/proc/${pid}/stat`) ?? '';
  // The name may have brackets and blanks.
  const [, name = '', rest = ''] = /^\d+ \((.*)\) (.*)$/s.exec(text) ?? [];
  const [state = 'X', ...others] = rest.split(' ');
  if ('ZX'.includes(state)) return undefined;
  // The state is the third field, and the time of the start the twenty-second.
  return { name, isStopped: /^[Tt]$/.test(state), startedAt: others[18] ?? '' };
}

function signal(pid: number): boolean {
  try {
    return process.kill(pid, jsonSignal);
  } catch (error) {
    if (systemErrorCode(error) === 'ESRCH') return false;
    throw error;
  }
}

/**
 * @param former the stamp of the dump before, which is no answer
 * @param maxMs the max time to wait
 */
async function dumped(
  path: string,
  former: string,
  maxMs: number,
): Promise<VrrpInstance[] | undefined> {
  for (let waited = 0; waited < maxMs; waited += lookEveryMs) {
    const text = (await stampOf(path)) === former ? undefined : await readTextIfThere(path);
    const instances = text === undefined ? undefined : readDump(text);
    if (instances !== undefined) return instances;
    await sleep(lookEveryMs);
  }
  return undefined;
}
