import * as z from 'zod';

import { Fault } from '../../kit/fault.ts';
import { readTextIfThere, replaceFile } from '../../kit/files/files.ts';

/** How many numbers of one name are reserved at once, so that the file is written seldom. */
const blockSize = 100;
/** Max number of names that a store counts under. */
const maxNames = 2000;
/** Max number of stores that are remembered in one folder. */
const maxStores = 20;

/** How far a store has come, outside of the store itself. */
export interface HighWater {
  epoch: number;
  /** No number above this was given out under the name. */
  numbers: Readonly<Record<string, number>>;
}

const count = z.number().int().min(0);
const schema = z.object({
  stores: z.record(z.string(), z.object({ epoch: count, numbers: z.record(z.string(), count) })),
});

/** The marks of all stores that were in this folder, by their ids. Faults: `store_damaged` */
export async function readHighWater(path: string): Promise<Map<string, HighWater>> {
  const text = await readTextIfThere(path);
  if (text === undefined) return new Map();
  try {
    return new Map(Object.entries(schema.parse(JSON.parse(text)).stores));
  } catch {
    throw new Fault(
      'store_damaged',
      `${path} is damaged, so it is not known which numbers were given out. Restore the file from a copy of this folder; without one, remove it only if no backup of the store was restored since.`,
    );
  }
}

/** Writes the mark of one store, which becomes the latest one. Faults: `no_space` */
export async function writeHighWater(path: string, id: string, mark: HighWater): Promise<void> {
  const marks = await readHighWater(path);
  marks.delete(id);
  marks.set(id, mark);
  const latest = [...marks].slice(-maxStores);
  const content = JSON.stringify({ stores: Object.fromEntries(latest) });
  await replaceFile(path, `${content}\n`, 0o600);
}

/** The numbers of an open store. Calls must not overlap. */
export interface Numbers {
  /** Faults: `no_space`, and then no number is given out */
  next(name: string): Promise<number>;
  /** Gives back what was reserved and not given out. */
  settle(): Promise<void>;
}

/**
 * INVARIANTS
 * - The file has a mark at or above a number before that number is given out.
 * - After a crash, or after somebody has put back an older file of the store, the numbers go on above the mark. Up to
 *   `blockSize` numbers of a name are then skipped.
 * - The epoch in the file never falls, also if somebody has put back a file of the store from before a restore. So the
 *   next restore goes above all epochs that nodes have seen.
 * @param stored the last number of each name in the store
 */
export async function openNumbers(
  path: string,
  { id, epoch }: { id: string; epoch: number },
  stored: ReadonlyMap<string, number>,
): Promise<Numbers> {
  const mark = (await readHighWater(path)).get(id);
  const reserved = new Map(Object.entries(mark?.numbers ?? {}));
  const last = new Map(stored);
  for (const [name, number] of reserved) last.set(name, Math.max(number, last.get(name) ?? 0));
  const highest = Math.max(epoch, mark?.epoch ?? 0);
  const write = (numbers: ReadonlyMap<string, number>) =>
    writeHighWater(path, id, { epoch: highest, numbers: Object.fromEntries(numbers) });
  if (mark?.epoch !== highest) await write(last);

  return {
    async next(name) {
      const number = (last.get(name) ?? 0) + 1;
      if (number > (reserved.get(name) ?? 0)) {
        if (!last.has(name) && last.size >= maxNames) {
          throw new Error(`The store counts under more than ${maxNames} names.`);
        }
        const end = number + blockSize - 1;
        await write(new Map([...reserved, [name, end]]));
        reserved.set(name, end);
      }
      last.set(name, number);
      return number;
    },
    settle: () => write(last),
  };
}
