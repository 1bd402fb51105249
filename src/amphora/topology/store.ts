import { join } from 'node:path';

import * as z from 'zod';

import { lstatIfThere, readTextIfThere, replaceFile } from '../../kit/files/files.ts';
import { topologies } from '../amphora.ts';

const stored = z.object({
  topology: z.enum(topologies),
  /** The role that the controller has given. keepalived decides which one it has now. */
  role: z.enum(['ACTIVE', 'STANDBY']).optional(),
  haIp: z.string().optional(),
  /** For VRRP. It leaves this file on no way. */
  secret: z.string().optional(),
  /** Whether keepalived has yet to follow. */
  isPending: z.boolean().optional(),
});
export type StoredTopology = z.output<typeof stored>;

export interface TopologyStore {
  /** @returns undefined if none was ever set, or if the file cannot be read as one */
  read(): Promise<StoredTopology | undefined>;
  /** Faults: `no_space` */
  write(topology: StoredTopology): Promise<void>;
}

/** The name has a dot, so that it is no id of an owner. */
export function makeTopologyStore(base: string): TopologyStore {
  const path = join(base, 'topology.json');
  return {
    async read() {
      if ((await lstatIfThere(path))?.isFile() !== true) return undefined;
      return stored.safeParse(parsed((await readTextIfThere(path)) ?? '')).data;
    },
    write: (topology) => replaceFile(path, `${JSON.stringify(topology)}\n`, 0o600),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
