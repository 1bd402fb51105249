import { join } from 'node:path';

import * as z from 'zod';

import { readTextIfThere, replaceFile } from '../../kit/files/files.ts';
import { makeSerializer } from '../../kit/concurrency/serialize.ts';

/**
 * The destinations that have accepted this host's present count of generations. The host does not tell them again that
 * it began a new count: otherwise an older state of it would replace a newer one there. A destination is identified by
 * its host id, because an address or a name may belong to another host the next time.
 */
export interface AcceptedLineage {
  has(lineage: string, hostId: string): Promise<boolean>;
  /** Adds a host. The entry is on the disk when this returns. */
  add(lineage: string, hostId: string): Promise<void>;
}

const schema = z.strictObject({ lineage: z.string(), hosts: z.array(z.string()) });
type Accepted = z.output<typeof schema>;

/** @param folder the folder of the own liferaft */
export function openAcceptedLineage(folder: string): AcceptedLineage {
  const path = join(folder, 'accepted.json');
  const serialize = makeSerializer();
  let cached: Accepted | undefined;

  async function read(): Promise<Accepted> {
    const text = await readTextIfThere(path);
    try {
      return schema.parse(JSON.parse(text ?? ''));
    } catch {
      // The file is missing or damaged. Then the host says it once more, and a receiver only believes it of a new
      // lineage.
      return { lineage: '', hosts: [] };
    }
  }

  async function isIn(lineage: string, hostId: string): Promise<boolean> {
    cached ??= await read();
    return cached.lineage === lineage && cached.hosts.includes(hostId);
  }

  return {
    has: isIn,
    add: (lineage, hostId) =>
      serialize(async () => {
        if (await isIn(lineage, hostId)) return;
        const before = cached?.lineage === lineage ? cached.hosts : [];
        const next = { lineage, hosts: [...before, hostId] };
        await replaceFile(path, `${JSON.stringify(next)}\n`, 0o600);
        cached = next;
      }),
  };
}
