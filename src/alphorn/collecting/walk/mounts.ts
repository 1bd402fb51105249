import { readFile } from 'node:fs/promises';

import { Fault } from '../../../kit/fault.ts';
import type { Run } from '../../../kit/exec.ts';
import { parseMountinfo } from '../../../parsers/mountinfo.ts';
import { isIn } from '../../format/paths.ts';

/**
 * Tells which mounted file systems answer. A server that is gone lets each call wait without end, and with it the
 * process that made the call.
 *
 * INVARIANTS
 * - Nothing of a file system that may be elsewhere is touched before a process of its own was answered there.
 * - One that did not answer is asked again after a pause that doubles up to `maxPauseMs`, for what waits for it may not
 *   even be killed.
 */
export interface Mounts {
  /** Reads what is mounted. To be called before each look at the host. */
  read(): Promise<void>;
  /** Why a path cannot be looked at, if it cannot. What was not asked yet cannot, and is asked with the next `ask`. */
  silentAt(path: string): string | undefined;
  /** @returns whether there was anything to be asked; the host has to be looked at again then */
  ask(): Promise<boolean>;
}

/** Whether the file system at a path answers. */
export type Answers = (path: string) => Promise<boolean>;

const answerMs = 3000;
/** For how long an answer is good. */
const freshMs = 10_000;
const firstPauseMs = 10_000;
const maxPauseMs = 600_000;

/** Of disks and memory of this host (mount(8)). Whatever else there is may hang on another host or process. */
const local: ReadonlySet<string> = new Set([
  ...['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'zfs', 'f2fs', 'jfs', 'reiserfs', 'vfat', 'exfat'],
  ...['ntfs3', 'iso9660', 'udf', 'squashfs', 'erofs', 'overlay', 'tmpfs', 'ramfs', 'devtmpfs'],
  ...['devpts', 'proc', 'sysfs', 'cgroup', 'cgroup2', 'securityfs', 'debugfs', 'tracefs', 'bpf'],
  ...['mqueue', 'hugetlbfs', 'pstore', 'efivarfs', 'configfs', 'fusectl', 'binfmt_misc', 'nsfs'],
]);

const mountinfo = '/proc/self/mountinfo';

/** All mount points. */
export async function readMountPoints(): Promise<ReadonlySet<string>> {
  return new Set(parseMountinfo(await readFile(mountinfo, 'utf8')).map(({ path }) => path));
}

/** The mount points whose file systems may be elsewhere, the innermost first. */
export async function readRemoteMounts(file = mountinfo): Promise<string[]> {
  return parseMountinfo(await readFile(file, 'utf8'))
    .filter(({ type }) => !local.has(type))
    .map(({ path }) => path)
    .sort((a, b) => b.length - a.length);
}

/** @param run with which it is asked, in a process of its own */
export function makeAnswers(run: Run): Answers {
  return async (path) => {
    try {
      // Any exit code is an answer. Only statfs(2) is not answered from what is kept here.
      await run({ argv: ['stat', '--file-system', '--', path], deadlineMs: answerMs });
      return true;
    } catch (error) {
      if (error instanceof Fault && error.code === 'tool_timeout') return false;
      throw error;
    }
  };
}

/** @param file another one in tests */
export function makeMounts(answers: Answers, file = mountinfo): Mounts {
  let remote: readonly string[] = [];
  const known = new Map<string, { isSilent: boolean; until: number; pauseMs: number }>();
  const wanted = new Set<string>();

  async function askOne(path: string): Promise<void> {
    const isSilent = !(await answers(path));
    const former = known.get(path);
    const pauseMs = former?.isSilent ? Math.min(former.pauseMs * 2, maxPauseMs) : firstPauseMs;
    known.set(path, {
      isSilent,
      pauseMs,
      until: performance.now() + (isSilent ? pauseMs : freshMs),
    });
  }

  return {
    async read() {
      remote = await readRemoteMounts(file);
      for (const [path, { until }] of known) {
        if (!remote.includes(path)) known.delete(path);
        else if (until < performance.now()) wanted.add(path);
      }
      await this.ask();
    },
    silentAt(path) {
      const mount = remote.find((each) => isIn(path, each));
      if (mount === undefined) return undefined;
      const state = known.get(mount);
      if (state === undefined) wanted.add(mount);
      return state?.isSilent === false
        ? undefined
        : `The file system that is mounted at ${mount} does not answer.`;
    },
    async ask() {
      if (wanted.size === 0) return false;
      const paths = [...wanted];
      wanted.clear();
      await Promise.all(paths.map(askOne));
      return true;
    },
  };
}

/** For who looks only at disks of this host. */
export const localMounts: Mounts = {
  read: () => Promise.resolve(),
  silentAt: () => undefined,
  ask: () => Promise.resolve(false),
};
