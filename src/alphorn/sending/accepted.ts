import { join } from 'node:path';

import { z } from 'zod';

import { readTextIfThere, replaceFile } from '../../kit/files/files.ts';
import { makeSerializer } from '../../kit/concurrency/serialize.ts';

/**
 * Who has accepted this host's count of generations, since it was begun. To those it never says again that the count
 * was begun anew: else an older state of the host would replace a newer one there. It goes by the host that answered:
 * an address or a name may be another host's the next time.
 */
export interface AcceptedLineage {
  has(lineage: string, hostId: string): Promise<boolean>;
  /** It is on the disk when this returns. */
  add(lineage: string, hostId: string): Promise<void>;
}

const schema = z.strictObject({ lineage: z.string(), hosts: z.array(z.string()) });
type Accepted = z.output<typeof schema>;

/** @param folder of the own liferaft */
export function openAcceptedLineage(folder: string): AcceptedLineage {
  const path = join(folder, 'accepted.json');
  const serialize = makeSerializer();
  let cached: Accepted | undefined;

  async function read(): Promise<Accepted> {
    const text = await readTextIfThere(path);
    try {
      return schema.parse(JSON.parse(text ?? ''));
    } catch {
      // None, or damaged: then it is said once more, and a receiver believes it of a new lineage alone.
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
