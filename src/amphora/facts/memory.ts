import { dirname, join } from 'node:path';

import { kernelFile } from '../../kit/files/kernel-file.ts';
import { numbersIn } from '../../parsers/proc/proc-files.ts';
import type { Details } from '../amphora.ts';

export interface MemoryPaths {
  /** /proc/meminfo */
  meminfo: string;
  /** The root of the control groups: /sys/fs/cgroup */
  controlGroups: string;
  /** The control group of haproxy's units, below the root; it need not exist. */
  haproxyGroup: string;
}

/** What a control group leaves, in kilobytes. */
interface Room {
  limit: number;
  left: number;
}

/**
 * The memory that haproxy may have: what the host has, or what the limits of its control group and of those above leave,
 * whichever is least. Controllers since 12.0 make haproxy's TLS cache half of free + buffers + cached, so the sum of
 * these must not be more than haproxy can take.
 */
export function readMemory(paths: MemoryPaths): Details['memory'] {
  const host = numbersIn(kernelFile(paths.meminfo) ?? '');
  const of = (name: string) => host.get(name) ?? 0;
  const rooms = roomsOf(paths);
  const left = Math.min(...rooms.map((room) => room.left), Infinity);
  const free = Math.min(of('MemFree'), left);
  const buffers = Math.min(of('Buffers'), left - free);
  return {
    total: Math.min(of('MemTotal'), ...rooms.map(({ limit }) => limit)),
    free,
    available: Math.min(of('MemAvailable'), left),
    buffers,
    cached: Math.min(of('Cached'), left - free - buffers),
    swapUsed: of('SwapTotal') - of('SwapFree'),
    shared: of('Shmem'),
    slab: of('Slab'),
    committed: of('Committed_AS'),
  };
}

/** The rooms of the group and of each above it that has a limit (cgroup-v2, memory.max and memory.high). */
function roomsOf({ controlGroups, haproxyGroup }: MemoryPaths): Room[] {
  const rooms: Room[] = [];
  // The root has no limit.
  for (let group = join('/', haproxyGroup); group !== '/'; group = dirname(group)) {
    const room = roomOf(join(controlGroups, group));
    if (room) rooms.push(room);
  }
  return rooms;
}

function roomOf(folder: string): Room | undefined {
  const text = (name: string) => kernelFile(join(folder, name));
  // `max`, which means none, is no number.
  const limits = [text('memory.max'), text('memory.high')].map((each) =>
    each === undefined ? NaN : Number(each),
  );
  const limit = Math.min(...limits.filter((each) => !Number.isNaN(each)));
  if (limit === Infinity) return undefined;
  const used = Number(text('memory.current') ?? 0);
  const file = numbersIn(text('memory.stat') ?? '').get('file') ?? 0;
  // The cache of files is given back when haproxy needs memory.
  const left = Math.max(0, Math.min(limit, limit - used + file));
  return { limit: Math.floor(limit / 1024), left: Math.floor(left / 1024) };
}
