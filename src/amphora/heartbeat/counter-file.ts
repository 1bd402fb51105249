import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';

import * as z from 'zod';

import { ifThere, replaceFile } from '../../kit/files/files.ts';
import { type CounterState, noCounters } from './counters.ts';

/** The state of the counters on the disk, so that the end of the agent costs one interval at most. */
export interface CounterFile {
  read(): Promise<CounterState>;
  /** Calls must not overlap. Faults: `no_space` */
  write(state: CounterState): Promise<void>;
}

const maxBytes = 16 * 1024 * 1024;
const sums = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const schema = z.object({
  boot: z.string(),
  seen: z.record(z.string(), z.record(z.string(), z.record(z.string(), sums))),
  pending: z.record(z.string(), z.record(z.string(), sums)),
});

/**
 * @param path of the file. One that is not ours, such as that of a real agent, counts as none.
 * @param bootIdPath has the id of the boot: worker processes of another boot are gone.
 */
export function makeCounterFile(
  path: string,
  bootIdPath = '/proc/sys/kernel/random/boot_id',
): CounterFile {
  const bootId = async () => (await readFile(bootIdPath, 'utf8')).trim();
  return {
    read: async () => {
      const content = schema.safeParse(parsed(await textOf(path)));
      if (!content.success || content.data.boot !== (await bootId())) return noCounters;
      return { seen: content.data.seen, pending: content.data.pending };
    },
    write: async ({ seen, pending }) => {
      const content = JSON.stringify({ boot: await bootId(), seen, pending });
      await replaceFile(path, content, 0o600);
    },
  };
}

/** Follows no link, and reads nothing except a plain file. */
async function textOf(path: string): Promise<string> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await ifThere(open(path, flags), ['ENOENT', 'ELOOP', 'ENXIO']);
  if (!file) return '';
  try {
    const stats = await file.stat();
    return stats.isFile() && stats.size <= maxBytes ? await file.readFile('utf8') : '';
  } finally {
    await file.close();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
