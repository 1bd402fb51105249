import { type FileHandle, link, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import * as z from 'zod';

import { Fault } from '../../kit/fault.ts';
import {
  appendLine,
  linesFromEnd,
  namesIn,
  openIfThere,
  orNoSpace,
  removeFile,
  replaceFile,
  statIfThere,
  syncFolder,
} from '../../kit/files/files.ts';
import { digestOf } from '../../kit/files/pieces.ts';
import { withProcessLock } from '../../kit/concurrency/process-lock.ts';

/** The limits of a log. */
export interface Keeping {
  /** A file that would exceed this size is closed, and a new one is started. */
  maxBytes: number;
  /** The max number of closed files; the oldest are removed first. */
  keepFiles: number;
}

/** The defaults of the configuration. */
export const defaultKeeping: Keeping = { maxBytes: 16 * 1024 * 1024, keepFiles: 12 };

/** The result of checking all files of a log. */
export interface Verdict {
  files: number;
  /** Describes each file that differs from what was written; empty if none does. */
  problems: string[];
}

/**
 * A log of JSON lines in files of limited size. `NAME.jsonl` is written to. `NAME-000001.jsonl` and so on are closed.
 *
 * INVARIANTS
 * - A file that follows another one begins with a line that names it, with its size and SHA-256. So a change of a
 *   closed file is noticed, and so is a missing one between others. A removal of the oldest files, or a change of the
 *   latest, is not noticed.
 * - No line is lost if a rotation is interrupted by SIGKILL, a power cut or a full disk. The next call continues it.
 * - Only one process starts new files, the agent. Another process appends only while no file is being closed, so none
 *   of its lines gets into a file after the hash was taken.
 */
export interface RotatedLog {
  /**
   * Appends a line, one call at a time.
   * @param mayRotate whether a new file may be begun first
   * Faults: `no_space`
   */
  append(line: string, mayRotate: boolean): Promise<{ onDisk: Promise<void> }>;
  /**
   * Appends a line from another process than the agent's.
   * Faults: `no_space`, `audit_failed`
   */
  appendBeside(line: string): Promise<{ onDisk: Promise<void> }>;
  /** The lines of all files, the latest first, except the headers. */
  latest(): AsyncGenerator<string>;
  /** Checks whether all files are as they were written. */
  verify(): Promise<Verdict>;
}

/** The first line of a file that follows another. */
const headerSchema = z.strictObject({
  at: z.string(),
  previous: z.strictObject({ file: z.string(), bytes: z.number(), sha256: z.string() }),
});
type Header = z.output<typeof headerSchema>;

/** With this age and 12 files, even a log of few lines is kept for at most a year. */
const maxFileMs = 30 * 24 * 3600 * 1000;
/** The first line of a file must end within this number of bytes. */
const headBytes = 4096;

/** @param file `NAME.jsonl`, created when it is needed, in an existing folder */
export function openRotatedLog(
  file: string,
  { maxBytes, keepFiles }: Keeping,
  now = () => Date.now(),
): RotatedLog {
  const folder = dirname(file);
  const stem = basename(file, '.jsonl');
  const nameOf = (number: number) => `${stem}-${String(number).padStart(6, '0')}.jsonl`;
  const closedName = new RegExp(`^${stem}-(\\d{6,})\\.jsonl$`);
  const numberOf = (name: string) => Number(closedName.exec(name)?.[1] ?? 0);

  const withLock = <T>(work: () => Promise<T>) =>
    withProcessLock(folder, `${stem}.lock`, busy, work);

  /** The names of the closed files, the oldest first. */
  async function closed(): Promise<string[]> {
    const names = (await namesIn(folder)).filter((name) => closedName.test(name));
    return names.sort((a, b) => numberOf(a) - numberOf(b));
  }

  async function isDue(size: number, more: number): Promise<boolean> {
    if (size + more > maxBytes) return size > 0;
    const began = Date.parse((await headOf(file)).at ?? '');
    return now() - began > maxFileMs;
  }

  async function rotate(): Promise<void> {
    const names = await closed();
    const newest = names.at(-1);
    // A rotation that was interrupted between its two steps has left the file both names.
    const isClosed = newest !== undefined && (await areOneFile(file, join(folder, newest)));
    const before = (await headOf(file)).previous?.file ?? '';
    const name = isClosed ? newest : nameOf(Math.max(numberOf(newest ?? ''), numberOf(before)) + 1);
    const previous = { file: name, ...(await digestAt(file)) };
    if (!isClosed) {
      await link(file, join(folder, name));
      await syncFolder(folder);
    }
    const header: Header = { at: new Date(now()).toISOString(), previous };
    await replaceFile(file, `${JSON.stringify(header)}\n`, 0o600);
    for (const each of [...names.filter((other) => other !== name), name].slice(0, -keepFiles)) {
      await removeFile(join(folder, each));
    }
  }

  return {
    async append(line, mayRotate) {
      const size = (await statIfThere(file))?.size ?? 0;
      if (mayRotate && (await isDue(size, Buffer.byteLength(line) + 1))) {
        // If another process is appending, the next line starts the new file.
        await orNoSpace(file, () => withLock(rotate)).catch(ignoreBusy);
      }
      return appendLine(file, line, 0o600);
    },

    async appendBeside(line) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await withLock(() => appendLine(file, line, 0o600));
        } catch (error) {
          // Without room for the lock there is no room for a new file either, so no file is being closed now.
          if (error instanceof Fault && error.code === 'no_space')
            return appendLine(file, line, 0o600);
          if (attempt === lockAttempts) throw error;
          ignoreBusy(error);
        }
        // The pauses are random, because two callers that start together refuse each other.
        await sleep(lockPauseMs * (0.5 + Math.random()));
      }
    },

    async *latest() {
      const current = await openIfThere(file);
      const inode = (await current?.stat())?.ino;
      yield* allOf(current);
      for (const name of (await closed()).toReversed()) {
        const older = await openIfThere(join(folder, name));
        // A file that was closed meanwhile, or whose rotation was interrupted, was the current one.
        if ((await older?.stat())?.ino === inode) await older?.close();
        else yield* allOf(older);
      }
    },

    async verify() {
      const names = await closed();
      const newest = names.at(-1);
      if (newest !== undefined && (await areOneFile(file, join(folder, newest)))) names.pop();
      if ((await statIfThere(file)) !== undefined) names.push(basename(file));
      else if (newest !== undefined)
        return { files: names.length, problems: [`${file} is missing.`] };
      const problems: string[] = [];
      for (const [index, name] of names.entries()) {
        const { previous } = await headOf(join(folder, name));
        const before = names[index - 1];
        if (previous === undefined) {
          const isFirst = before === undefined && [0, 1].includes(numberOf(name));
          if (!isFirst)
            problems.push(`${name} does not begin with the hash of the file before it.`);
        } else if (before !== undefined) {
          if (previous.file !== before) {
            problems.push(`${previous.file}, which comes before ${name}, is missing.`);
            continue;
          }
          const { bytes, sha256 } = await digestAt(join(folder, before));
          if (bytes !== previous.bytes || sha256 !== previous.sha256)
            problems.push(
              `${before} was changed after it was closed: ${name} has another hash of it.`,
            );
        }
      }
      return { files: names.length, problems };
    },
  };
}

/** The number of attempts of another process to append, and the average pause between them. */
const lockAttempts = 200;
const lockPauseMs = 50;

function busy(): Fault {
  return new Fault(
    'audit_failed',
    'This has to be recorded first, but another process is using the audit log. Nothing was done; try again.',
  );
}

function ignoreBusy(error: unknown): void {
  if (!(error instanceof Fault) || error.code !== 'audit_failed') throw error;
}

async function* allOf(file: FileHandle | undefined): AsyncGenerator<string> {
  if (file === undefined) return;
  try {
    for await (const line of linesFromEnd(file, (await file.stat()).size)) {
      if (headerIn(line) === undefined) yield line;
    }
  } finally {
    await file.close();
  }
}

/** The header of a file. A file that does not exist, or whose first line was cut short, has none. */
async function headOf(path: string): Promise<Partial<Header>> {
  const file = await openIfThere(path);
  try {
    const read = await file?.read({ buffer: Buffer.alloc(headBytes), position: 0 });
    const [line = ''] = read?.buffer.subarray(0, read.bytesRead).toString('utf8').split('\n') ?? [];
    return headerIn(line) ?? { at: /^\{"at":"([^"]*)"/.exec(line)?.[1] ?? '' };
  } finally {
    await file?.close();
  }
}

function headerIn(line: string): Header | undefined {
  if (line.length > headBytes || !line.includes('"previous":{')) return undefined;
  try {
    return headerSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

async function digestAt(path: string): Promise<{ bytes: number; sha256: string }> {
  const file = await open(path, 'r');
  try {
    return await digestOf(file);
  } finally {
    await file.close();
  }
}

async function areOneFile(path: string, other: string): Promise<boolean> {
  const [one, two] = await Promise.all([statIfThere(path), statIfThere(other)]);
  return one !== undefined && one.ino === two?.ino && one.dev === two.dev;
}
