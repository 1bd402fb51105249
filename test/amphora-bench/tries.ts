import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const folder = new URL('../../build/', import.meta.url).pathname;

/** The results of a command so far. They are on the disk, so that the command goes on after an interruption. */
export interface Tries<T> {
  readonly done: readonly T[];
  add(result: T): Promise<void>;
  /** Lets the next run begin from the start. */
  forget(): Promise<void>;
}

/** @param isFresh leaves out what an interrupted run has found */
export async function openTries<T>(name: string, isFresh: boolean): Promise<Tries<T>> {
  const file = join(folder, `${name}.json`);
  await mkdir(folder, { recursive: true });
  if (isFresh) await rm(file, { force: true });
  const text = await readFile(file, 'utf8').catch(() => '[]');
  const done = JSON.parse(text) as T[];
  return {
    done,
    async add(result) {
      done.push(result);
      await writeFile(file, JSON.stringify(done, null, 1));
    },
    forget: () => rm(file, { force: true }),
  };
}
