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

/** A request to be recorded: who asked for what. */
export interface AuditedRequest {
  /** The token's name. */
  caller: string;
  role: string;
  method: string;
  route: string;
  /** The `X-Request-Id` of its answer; undefined for a command on this node. */
  request_id?: string;
  /** The caller's address; undefined for the Unix socket. */
  from?: string;
}

/** A line of the audit log, without its time. */
export interface AuditEntry extends AuditedRequest {
  /** The id of a change. Its first and its last line have the same id. */
  id?: string;
  /** A change that has only `begun` has an unknown end, because the agent was killed. */
  outcome: 'begun' | 'success' | FaultCode | 'internal_error';
  /** The commands that were run, with secrets masked. */
  commands?: readonly (readonly string[])[];
  /** The changes of the CIB, with secrets masked. */
  changes?: readonly object[];
  /** The number of commands and changes that were left out because the line would be too long. */
  cut?: { commands: number; changes: number };
  /** The version of the configuration before and after, `ADMIN_EPOCH.EPOCH`. */
  before?: string | undefined;
  after?: string | undefined;
}

/** Records who read what from this node, or changed it. */
export interface AuditLog {
  /**
   * Adds a line with the current time (`at`, ISO 8601 in UTC). It is on the disk when this returns. The line of a
   * change's beginning (`begun`) also reserves room for its end, even if the disk becomes full meanwhile.
   * Faults: `no_space`, `audit_failed`
   */
  record(entry: AuditEntry): Promise<void>;
  /**
   * Adds the line of a change's end. It is written when this returns, and reaches the disk soon after. Waiting for the
   * disk would also mean waiting for what Pacemaker writes to it at that time. The line survives the death of this
   * process. After a power cut, the change may only have the line of its beginning.
   * Faults: `no_space`, `audit_failed`
   */
  recordEnd(entry: AuditEntry): Promise<void>;
  /**
   * The latest entries, newest first. There are as many as requested, but at most 4 MiB. The first line of a completed
   * change is left out. A line that a crash cut short is skipped.
   * @param limit 1 to 10 000
   */
  list(limit: number): Promise<RecordedEntry[]>;
  /** Checks whether the files are as they were written. */
  verify(): Promise<Verdict>;
}

/** An entry with the time of its line (ISO 8601 in UTC). */
export type RecordedEntry = AuditEntry & { at: string };

const maxLineBytes = 64 * 1024;
const maxListBytes = 4 * 1024 * 1024;

/** A list is read for the next higher of these numbers, so that concurrent callers share few readings. */
const listSizes = [10, 100, 1000, 10_000];

/**
 * @param file JSON lines, `NAME.jsonl`; created when it is needed, in an existing folder
 * @param writer `agent`, of which there is one, or another process (`hactl`), of which there may be several
 */
export function openAuditLog(
  file: string,
  keeping: Keeping = defaultKeeping,
  writer: 'agent' | 'other' = 'agent',
): AuditLog {
  const log = openRotatedLog(file, keeping);
  const reserve = makeReserve(join(dirname(file), 'audit.reserve'));
  let latest = Promise.resolve();
  /** The readings under way, by their number of entries. */
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

  /** Writes run one at a time, because a write that fails halfway must not be inside another line. */
  function append(
    entry: AuditEntry,
    write: (line: string) => ReturnType<RotatedLog['append']>,
  ): { written: Promise<unknown>; onDisk: Promise<void> } {
    const line = lineOf({ at: new Date().toISOString(), ...entry });
    const written = latest.then(() => write(line));
    const onDisk = written.then((appended) => appended.onDisk);
    latest = onDisk.catch(() => undefined);
    // Later callers must see this line too, so they join no earlier reading.
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

/** Room for several ends of changes, because several may be written at once. */
const reserveBytes = 4 * maxLineBytes;

/**
 * A file that only reserves room. If the disk is full at the end of a change, removing the file makes room for the line
 * of that end. Another process may take the room first. Then the caller is warned that the end is not recorded.
 */
function makeReserve(path: string): { keep(): Promise<void>; release(): Promise<void> } {
  return {
    async keep() {
      if ((await statIfThere(path))?.size === reserveBytes) return;
      // The content is not zeros, because some file systems store zeros without using room.
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
    // The log is read backwards, so the end of a change comes before its beginning.
    if (entry.outcome === 'begun' && ended.has(entry.id)) continue;
    bytes += line.length;
    if (bytes > maxListBytes && entries.length > 0) break;
    if (entry.id !== undefined) ended.add(entry.id);
    entries.push(entry);
    if (entries.length === limit) break;
  }
  return entries;
}

/** An entry as a line of at most `maxLineBytes`. Parts that are too long are left out, and the line says so. */
function lineOf(entry: RecordedEntry): string {
  const line = JSON.stringify(entry);
  if (Buffer.byteLength(line) <= maxLineBytes) return line;
  const { commands = [], changes = [], route, ...rest } = entry;
  const cut = { commands: commands.length, changes: changes.length };
  // This maximum for a route is far above any documented one.
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
