import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { makeFolder, namesIn, replaceFile } from '../../../kit/files/files.ts';

/** One step of a change of the CIB, as patches with all their secrets (cibadmin(8), format 2). */
export interface ReversibleStep {
  /** The versions of the configuration before and after it: `ADMIN_EPOCH.EPOCH`. */
  before: string;
  after: string;
  /** The patch that was made. */
  forward: string;
  /** The patch that takes it back. */
  inverse: string;
}

/**
 * Keeps the inverse of each change of the CIB in a file of its own, which only root can read. Its name is the id of the
 * change in the audit log.
 *
 * INVARIANTS
 * - The file is on the disk before the change is made. If the agent is killed in between, the file of a change that was
 *   never made is left; the audit log then has no end of that change.
 * - At most `limits.files` are kept, with at most `limits.bytes`, for at most `limits.ageMs`. The oldest are removed first.
 * - They hold passwords, so no answer has them, and no liferaft that follows the rules of the package.
 */
export interface UndoStore {
  /** Saves the steps of a change, and replaces its earlier ones. Faults: `no_space` */
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
  files,
  bytes: maxBytes,
  ageMs: maxAgeMs,
});

interface StoredFile {
  at: number;
  bytes: number;
}

/** @param folder is made when it is first needed */
export function openUndoStore(
  folder: string,
  limits: UndoLimits,
  now = () => Date.now(),
): UndoStore {
  let index: Promise<Map<string, StoredFile>> | undefined;

  /** The files in the folder, the oldest first. They are listed once, because no other process writes there. */
  function known(): Promise<Map<string, StoredFile>> {
    index ??= readIndex(folder);
    index.catch(() => (index = undefined));
    return index;
  }

  async function remove(files: Map<string, StoredFile>, id: string): Promise<void> {
    await rm(join(folder, id), { force: true });
    files.delete(id);
  }

  return {
    async keep(id, steps) {
      await makeFolder(folder);
      const files = await known();
      const text = JSON.stringify({ id, at: new Date(now()).toISOString(), steps });
      await replaceFile(join(folder, id), text, 0o600);
      files.delete(id);
      files.set(id, { at: now(), bytes: Buffer.byteLength(text) });
      let bytes = [...files.values()].reduce((sum, each) => sum + each.bytes, 0);
      for (const [other, each] of files) {
        const isOver = files.size > limits.files || bytes > limits.bytes;
        if (other === id || !(isOver || now() - each.at > limits.ageMs)) break;
        bytes -= each.bytes;
        await remove(files, other);
      }
    },

    async forget(id) {
      await remove(await known(), id);
    },
  };
}

async function readIndex(folder: string): Promise<Map<string, StoredFile>> {
  const found: [string, StoredFile][] = [];
  for (const name of await namesIn(folder)) {
    const path = join(folder, name);
    // The agent was killed while it wrote this file.
    if (name.endsWith('.new')) await rm(path, { force: true });
    else {
      const { mtimeMs, size } = await stat(path);
      found.push([name, { at: mtimeMs, bytes: size }]);
    }
  }
  return new Map(found.sort(([, a], [, b]) => a.at - b.at));
}
