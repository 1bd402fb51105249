import { rm, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { makeSerializer } from '../kit/concurrency/serialize.ts';
import { systemErrorCode } from '../kit/fault.ts';
import { ifThere, readTextIfThere } from '../kit/files/files.ts';
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
   * @returns undefined if keepalived does not run, or gives no answer within a second
   */
  instances(): Promise<readonly VrrpInstance[] | undefined>;
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
  const pid = async () => {
    const text = await ifThere(readTextIfThere(pidFile), ['ENOENT', 'ELOOP', 'ENOTDIR']);
    const id = /^(\d{1,10})\s*$/.exec(text ?? '')?.[1];
    if (id === undefined) return undefined;
    const comm = await ifThere(readTextIfThere(`/proc/${id}/comm`), ['ENOENT', 'ESRCH']);
    // The id of a process that is gone may belong to another one.
    return comm?.trim() === 'keepalived' && !(await isZombie(id)) ? Number(id) : undefined;
  };
  const ask = async () => {
    const running = await pid();
    if (running === undefined) return undefined;
    await removeIfAllowed(dump);
    const former = await stampOf(dump);
    return signal(running) ? dumped(dump, former) : undefined;
  };
  const processes = async () => {
    const parent = await pid();
    if (parent === undefined) return [];
    const all = [parent, ...(await childrenOf(parent))];
    return Promise.all(all.map(async (id) => ({ pid: id, isStopped: await isStopped(id) })));
  };
  return { pid, instances: () => oneByOne(ask), processes };
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
async function childrenOf(pid: number): Promise<number[]> {
  const path = `/proc/${pid}/task/${pid}/children`;
  const text = await ifThere(readTextIfThere(path), ['ENOENT', 'ESRCH']);
  return (text ?? '').split(' ').filter(Boolean).map(Number);
}

async function isStopped(pid: number): Promise<boolean> {
  const status = await ifThere(readTextIfThere(`/proc/${pid}/status`), ['ENOENT', 'ESRCH']);
  return /^State:\s+[Tt]/m.test(status ?? '');
}

async function isZombie(id: string): Promise<boolean> {
  const status = await ifThere(readTextIfThere(`/proc/${id}/status`), ['ENOENT', 'ESRCH']);
  return status === undefined || /^State:\s+Z/m.test(status);
}

function signal(pid: number): boolean {
  try {
    return process.kill(pid, jsonSignal);
  } catch (error) {
    if (systemErrorCode(error) === 'ESRCH') return false;
    throw error;
  }
}

/** @param former the stamp of the dump before, which is no answer */
async function dumped(path: string, former: string): Promise<VrrpInstance[] | undefined> {
  for (let waited = 0; waited < answerMs; waited += lookEveryMs) {
    const text = (await stampOf(path)) === former ? undefined : await readTextIfThere(path);
    const instances = text === undefined ? undefined : readDump(text);
    if (instances !== undefined) return instances;
    await sleep(lookEveryMs);
  }
  return undefined;
}
