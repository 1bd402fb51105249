import fs, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';

/** Counts the calls of this process that change something on the disk. */
export interface DyingCalls {
  /** The number of calls so far. */
  calls: number;
  /** Restores the real calls, and closes what was left open. */
  restore(): Promise<void>;
}

type Call = (...args: unknown[]) => Promise<unknown>;

/**
 * From the call with that number on, calls do nothing and do not return. For the caller and for the disk, this is as if
 * the process had been killed at that moment.
 * @param die is called at that moment
 */
export async function dieAtCall(number: number, die: () => void): Promise<DyingCalls> {
  const handles = new Set<FileHandle>();
  const undo: (() => void)[] = [];
  const dying: DyingCalls = {
    calls: 0,
    async restore() {
      for (const each of undo) each();
      syncBuiltinESMExports();
      for (const handle of handles) await handle.close().catch(() => undefined);
    },
  };
  const isDead = () => number > 0 && dying.calls >= number;

  function replace(owner: object, name: string, counts: (...args: unknown[]) => boolean): void {
    const calls = owner as Record<string, Call>;
    const real = calls[name] as Call;
    calls[name] = async function (this: unknown, ...args) {
      if (counts(...args) && !isDead()) {
        dying.calls += 1;
        if (isDead()) die();
      }
      if (isDead()) return new Promise(() => undefined);
      const made = await real.apply(this, args);
      if (name === 'open') handles.add(made as FileHandle);
      return made;
    };
    undo.push(() => (calls[name] = real));
  }

  const handle = await fs.open('/dev/null');
  const prototype = Object.getPrototypeOf(handle) as object;
  await handle.close();
  for (const name of ['appendFile', 'writeFile', 'sync', 'chown', 'chmod'])
    replace(prototype, name, () => true);
  for (const name of ['rename', 'rm', 'unlink', 'rmdir', 'mkdir', 'symlink', 'link', 'lchown'])
    replace(fs, name, () => true);
  replace(fs, 'open', (_path, flags) => flags === 'wx');
  syncBuiltinESMExports();
  return dying;
}

/**
 * Makes the work die at the call with that number.
 * @param locks the folder in which it left the lock of this process, which still lives
 * @returns whether it died, or ended before that call
 */
export async function dieDuring(
  number: number,
  locks: string,
  work: () => Promise<unknown>,
): Promise<boolean> {
  let die: () => void = () => undefined;
  const died = new Promise<'died'>((resolve) => {
    die = () => {
      resolve('died');
    };
  });
  const dying = await dieAtCall(number, die);
  try {
    if ((await Promise.race([died, work()])) !== 'died') return false;
  } finally {
    await dying.restore();
  }
  for (const name of (await fs.readdir(locks)).filter((each) => each.startsWith('lock.')))
    await fs.rm(join(locks, name));
  return true;
}
