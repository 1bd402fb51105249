import { readFile } from 'node:fs/promises';

import { Fault } from '../../../kit/fault.ts';
import type { Run } from '../../../kit/exec.ts';
import { parseMountinfo } from '../../../parsers/mountinfo.ts';
import { isIn } from '../../format/paths.ts';

/**
 * Tells which mounted file systems answer. If the server of one is gone, each call to it waits without end, and so does
 * the process that made the call.
 *
 * INVARIANTS
 * - A file system that may be on another host is not touched before a separate process has had an answer from it.
 * - One that did not answer is asked again after a pause, which doubles up to `maxPauseMs`. A process that waits for it
 *   may not even end when it is killed.
 */
export interface Mounts {
  /** Reads what is mounted. Call it before each walk. */
  read(): Promise<void>;
  /**
   * Returns why a path cannot be read; undefined if it can. A file system that was not asked yet cannot be read, and
   * the next `ask` asks it.
   */
  silentAt(path: string): string | undefined;
  /** @returns whether there was anything to ask; if so, walk again */
  ask(): Promise<boolean>;
}

/** Whether the file system at a path answers. */
export type Answers = (path: string) => Promise<boolean>;

const answerMs = 3000;
/** How long an answer is valid. */
const freshMs = 10_000;
const firstPauseMs = 10_000;
const maxPauseMs = 600_000;

/** File systems on disks and in memory of this host (mount(8)). Any other may depend on another host or process. */
const local: ReadonlySet<string> = new Set([
  'ext2',
  'ext3',
  'ext4',
  'xfs',
  'btrfs',
  'zfs',
  'f2fs',
  'jfs',
  'reiserfs',
  'vfat',
  'exfat',
  'ntfs3',
  'iso9660',
  'udf',
  'squashfs',
  'erofs',
  'overlay',
  'tmpfs',
  'ramfs',
  'devtmpfs',
  'devpts',
  'proc',
  'sysfs',
  'cgroup',
  'cgroup2',
  'securityfs',
  'debugfs',
  'tracefs',
  'bpf',
  'mqueue',
  'hugetlbfs',
  'pstore',
  'efivarfs',
  'configfs',
  'fusectl',
  'binfmt_misc',
  'nsfs',
]);

const mountinfo = '/proc/self/mountinfo';

/** All mount points. */
export async function readMountPoints(): Promise<ReadonlySet<string>> {
  return new Set(parseMountinfo(await readFile(mountinfo, 'utf8')).map(({ path }) => path));
}

/** The mount points whose file systems may be on another host, the innermost first. */
export async function readRemoteMounts(file = mountinfo): Promise<string[]> {
  return parseMountinfo(await readFile(file, 'utf8'))
    .filter(({ type }) => !local.has(type))
    .map(({ path }) => path)
    .sort((a, b) => b.length - a.length);
}

/** @param run starts the process that asks */
export function makeAnswers(run: Run): Answers {
  return async (path) => {
    try {
      // Any exit code is an answer. Only statfs(2) is never answered from a cache of this host.
      await run({ argv: ['stat', '--file-system', '--', path], deadlineMs: answerMs });
      return true;
    } catch (error) {
      if (error instanceof Fault && error.code === 'tool_timeout') return false;
      throw error;
    }
  };
}

/** @param file tests pass another one */
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

/** For a walk through disks of this host only. */
export const localMounts: Mounts = {
  read: () => Promise.resolve(),
  silentAt: () => undefined,
  ask: () => Promise.resolve(false),
};
