import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { makeFolder, namesIn, replaceFile } from '../../../kit/files/files.ts';

/** One step of a change of the CIB, as patches (cibadmin(8), format 2), with all secrets in them. */
export interface ReversibleStep {
  /** The version of the configuration that it was made of, and the one that it made: `ADMIN_EPOCH.EPOCH`. */
  before: string;
  after: string;
  /** The patch that was made. */
  forward: string;
  /** The patch that takes it back. */
  inverse: string;
}

/**
 * Keeps the inverse of each change of the CIB in a file of its own, for root alone. The file's name is the id of the change
 * in the audit log.
 *
 * INVARIANTS
 * - The file is on the disk before the change is made. So one is left of a change that was never made, too, if the agent
 *   was killed just then; the audit log has no end of that.
 * - At most `limits.files` are kept, of at most `limits.bytes`, for at most `limits.ageMs`; the oldest go first.
 * - They are in no answer, and in no liferaft that goes by the rules of the package: they hold passwords.
 */
export interface UndoStore {
  /** Keeps the steps of a change, in the place of what was kept of it. Faults: `no_space` */
  keep(id: string, steps: readonly ReversibleStep[]): Promise<void>;
  /** Removes the file of a change that was not made. */
  forget(id: string): Promise<void>;
}

export interface UndoLimits {
  files: number;
  bytes: number;
  ageMs: number;
}

const maxBytes = 64 * 1024 * 1024;
const maxAgeMs = 30 * 24 * 3600 * 1000;

export const undoLimits = (files: number): UndoLimits => ({
  ...{ files, bytes: maxBytes, ageMs: maxAgeMs },
});

interface Kept {
  at: number;
  bytes: number;
}

/** @param folder made when it is needed */
export function openUndoStore(
  folder: string,
  limits: UndoLimits,
  now = () => Date.now(),
): UndoStore {
  let index: Promise<Map<string, Kept>> | undefined;

  /** The files in the folder, the oldest first. They are listed once, because no other process writes there. */
  function known(): Promise<Map<string, Kept>> {
    index ??= readIndex(folder);
    index.catch(() => (index = undefined));
    return index;
  }

  async function remove(kept: Map<string, Kept>, id: string): Promise<void> {
    await rm(join(folder, id), { force: true });
    kept.delete(id);
  }

  return {
    async keep(id, steps) {
      await makeFolder(folder);
      const kept = await known();
      const text = JSON.stringify({ id, at: new Date(now()).toISOString(), steps });
      await replaceFile(join(folder, id), text, 0o600);
      kept.delete(id);
      kept.set(id, { at: now(), bytes: Buffer.byteLength(text) });
      let bytes = [...kept.values()].reduce((sum, each) => sum + each.bytes, 0);
      for (const [other, each] of kept) {
        const isOver = kept.size > limits.files || bytes > limits.bytes;
        if (other === id || !(isOver || now() - each.at > limits.ageMs)) break;
        bytes -= each.bytes;
        await remove(kept, other);
      }
    },

    async forget(id) {
      await remove(await known(), id);
    },
  };
}

async function readIndex(folder: string): Promise<Map<string, Kept>> {
  const found: [string, Kept][] = [];
  for (const name of await namesIn(folder)) {
    const path = join(folder, name);
    // A file that was being written when the agent was killed.
    if (name.endsWith('.new')) await rm(path, { force: true });
    else {
      const { mtimeMs, size } = await stat(path);
      found.push([name, { at: mtimeMs, bytes: size }]);
    }
  }
  return new Map(found.sort(([, a], [, b]) => a.at - b.at));
}
