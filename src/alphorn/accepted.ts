import { join } from 'node:path';

import { z } from 'zod';

import { readTextIfThere, replaceFile } from '../files.ts';
import { inTurn } from '../in-turn.ts';

/**
 * Who has accepted this host's count of generations, since it was begun. To those it never says again that the count
 * was begun anew: else an older state of the host would replace a newer one there.
 */
export interface AcceptedLineage {
  has(lineage: string, destination: string): Promise<boolean>;
  /** It is on the disk when this returns. */
  add(lineage: string, destination: string): Promise<void>;
}

const schema = z.strictObject({ lineage: z.string(), destinations: z.array(z.string()) });
type Accepted = z.output<typeof schema>;

/** @param folder of the own liferaft */
export function openAcceptedLineage(folder: string): AcceptedLineage {
  const path = join(folder, 'accepted.json');
  const turn = inTurn();
  let kept: Accepted | undefined;

  async function read(): Promise<Accepted> {
    const text = await readTextIfThere(path);
    try {
      return schema.parse(JSON.parse(text ?? ''));
    } catch {
      // None, or damaged: then it is said once more, and a receiver believes it of a new lineage alone.
      return { lineage: '', destinations: [] };
    }
  }

  async function isIn(lineage: string, destination: string): Promise<boolean> {
    kept ??= await read();
    return kept.lineage === lineage && kept.destinations.includes(destination);
  }

  return {
    has: isIn,
    add: (lineage, destination) =>
      turn(async () => {
        if (await isIn(lineage, destination)) return;
        const before = kept?.lineage === lineage ? kept.destinations : [];
        const next = { lineage, destinations: [...before, destination] };
        await replaceFile(path, `${JSON.stringify(next)}\n`, 0o600);
        kept = next;
      }),
  };
}
