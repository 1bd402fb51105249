import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import {
  defaultKeeping,
  type Keeping,
  openRotatedLog,
  type RotatedLog,
  type Verdict,
} from './audit-files.ts';
import { Fault, type FaultCode } from '../../kit/fault.ts';
import { orNoSpace, replaceFile, statIfThere } from '../../kit/files/files.ts';

/** A request that is worth a record: who asked for what. */
export interface AuditedRequest {
  /** The token's name. */
  caller: string;
  role: string;
  method: string;
  route: string;
  /** What its answer has as `X-Request-Id`; nothing of a command on this node. */
  request_id?: string;
  /** The address that it came from; nothing if it came by the Unix socket. */
  from?: string;
}

/** A line of the audit log, without its time. */
export interface AuditEntry extends AuditedRequest {
  /** The id of a change, which is the same in its first and its last line. */
  id?: string;
  /** `begun` alone is a change of which nobody knows how it ended, for the agent was killed. */
  outcome: 'begun' | 'success' | FaultCode | 'internal_error';
  /** What was run, secrets masked. */
  commands?: readonly (readonly string[])[];
  /** What was changed in the CIB, secrets masked. */
  changes?: readonly object[];
  /** The number of commands and changes that were left out because the line would be too long. */
  cut?: { commands: number; changes: number };
  /** The version of the configuration before and after, `ADMIN_EPOCH.EPOCH`. */
  before?: string | undefined;
  after?: string | undefined;
}

/** Who had what from this node, or done to it. */
export interface AuditLog {
  /**
   * Adds a line with the time of now (`at`, ISO 8601 in UTC). It is on the disk when this returns. With the beginning
   * of a change (`begun`) there is room for its end as well, whatever becomes of the disk meanwhile.
   * Faults: `no_space`, `audit_failed`
   */
  record(entry: AuditEntry): Promise<void>;
  /**
   * Adds the line of a change's end. It is written when this returns, and gets to the disk soon after: to wait for
   * that is to wait for what Pacemaker writes to the same disk just then. The death of this process loses nothing; a
   * power cut in between leaves the change with the line of its beginning alone.
   * Faults: `no_space`, `audit_failed`
   */
  recordEnd(entry: AuditEntry): Promise<void>;
  /**
   * The latest entries, newest first: as many as are asked for, if they take no more than 4 MiB together. The first line of
   * a change that ended is left out. A line that a crash cut short is passed over.
   * @param limit 1 to 10 000
   */
  list(limit: number): Promise<RecordedEntry[]>;
  /** Looks whether the files are as they were written. */
  verify(): Promise<Verdict>;
}

/** An entry with the time of its line (ISO 8601 in UTC). */
export type RecordedEntry = AuditEntry & { at: string };

const maxLineBytes = 64 * 1024;
const maxListBytes = 4 * 1024 * 1024;

/** A list is read for the next of these numbers, so that all who ask at once share few readings. */
const listSizes = [10, 100, 1000, 10_000];

/**
 * @param file JSON lines, `NAME.jsonl`; made when it is needed, in a folder that is there
 * @param writer `agent`, of which there is one, or another process (`hactl`), of which there may be many
 */
export function openAuditLog(
  file: string,
  keeping: Keeping = defaultKeeping,
  writer: 'agent' | 'other' = 'agent',
): AuditLog {
  const log = openRotatedLog(file, keeping);
  const reserve = makeReserve(join(dirname(file), 'audit.reserve'));
  let latest = Promise.resolve();
  /** Readings that are under way, by how many entries they are for. */
  const readings = new Map<number, Promise<RecordedEntry[]>>();

  function read(size: number): Promise<RecordedEntry[]> {
    const running = readings.get(size);
    if (running) return running;
    const reading = readList(log, size).finally(() => {
      if (readings.get(size) === reading) readings.delete(size);
    });
    readings.set(size, reading);
    return reading;
  }

  /** One after another: what fails half way must not be in the middle of another line. */
  function append(
    entry: AuditEntry,
    write: (line: string) => ReturnType<RotatedLog['append']>,
  ): { written: Promise<unknown>; onDisk: Promise<void> } {
    const line = lineOf({ at: new Date().toISOString(), ...entry });
    const written = latest.then(() => write(line));
    const onDisk = written.then((appended) => appended.onDisk);
    latest = onDisk.catch(() => undefined);
    // Callers from now on are shown this line as well, and join no reading that began before.
    void written.then(
      () => {
        readings.clear();
      },
      () => undefined,
    );
    return { written, onDisk };
  }

  return {
    record: (entry) =>
      orFault(
        file,
        append(entry, async (line) => {
          if (entry.outcome === 'begun') await reserve.keep();
          return writer === 'agent' ? log.append(line, true) : log.appendBeside(line);
        }).onDisk,
      ),
    recordEnd: (entry) =>
      orFault(
        file,
        append(entry, async (line) => {
          const write = () =>
            writer === 'agent' ? log.append(line, false) : log.appendBeside(line);
          try {
            return await write();
          } catch (error) {
            if (!(error instanceof Fault) || error.code !== 'no_space') throw error;
            await reserve.release();
            return write();
          }
        }).written,
      ),
    async list(limit) {
      const size = listSizes.find((each) => each >= limit) ?? limit;
      return (await read(size)).slice(0, limit);
    },
    verify: () => log.verify(),
  };
}

/** Some ends of changes, for some may be made at once. */
const reserveBytes = 4 * maxLineBytes;

/**
 * A file that is there for its room alone: where a disk is full when a change ended, it makes room for the line that
 * says so. Another process may be faster; then the caller is warned that the end is not on record.
 */
function makeReserve(path: string): { keep(): Promise<void>; release(): Promise<void> } {
  return {
    async keep() {
      if ((await statIfThere(path))?.size === reserveBytes) return;
      // Not zeros, of which some file systems keep no more than the number.
      await replaceFile(path, randomBytes(reserveBytes), 0o600);
    },
    release: () =>
      orNoSpace(path, async () => {
        const file = await open(path, 'r+');
        try {
          await file.truncate(0);
          await file.sync();
        } finally {
          await file.close();
        }
      }),
  };
}

async function readList(log: RotatedLog, limit: number): Promise<RecordedEntry[]> {
  const entries: RecordedEntry[] = [];
  const ended = new Set<string | undefined>();
  let bytes = 0;
  for await (const line of log.latest()) {
    const entry = entryOf(line);
    if (entry === undefined) continue;
    // The end of a change comes before its beginning here.
    if (entry.outcome === 'begun' && ended.has(entry.id)) continue;
    bytes += line.length;
    if (bytes > maxListBytes && entries.length > 0) break;
    if (entry.id !== undefined) ended.add(entry.id);
    entries.push(entry);
    if (entries.length === limit) break;
  }
  return entries;
}

/** An entry as a line of at most `maxLineBytes`; what is too long for that is left out, which the line says. */
function lineOf(entry: RecordedEntry): string {
  const line = JSON.stringify(entry);
  if (Buffer.byteLength(line) <= maxLineBytes) return line;
  const { commands = [], changes = [], route, ...rest } = entry;
  const cut = { commands: commands.length, changes: changes.length };
  // The longest that a route is, is far longer than any that is documented.
  return JSON.stringify({ ...rest, route: route.slice(0, 1024), cut });
}

function entryOf(line: string): RecordedEntry | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === 'object' && entry !== null ? (entry as RecordedEntry) : undefined;
  } catch {
    return undefined;
  }
}

async function orFault(file: string, recorded: Promise<unknown>): Promise<void> {
  try {
    await recorded;
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault(
      'audit_failed',
      `This has to be recorded first, but cannot be: ${(error as Error).message}. Check ${file} and its disk, then try again.`,
    );
  }
}
