import { Fault, type FaultCode } from './errors.ts';
import { appendLine, readLastLines } from './files.ts';

/** A request that is worth a record: who asked for what. */
export interface AuditedRequest {
  /** The token's name. */
  caller: string;
  role: string;
  method: string;
  route: string;
}

/** A line of the audit log, but for its time. */
export interface AuditEntry extends AuditedRequest {
  /** Of a change, the same in the line of its beginning and that of its end. */
  id?: string;
  /** `begun` alone is a change of which nobody knows how it ended, for the agent was killed. */
  outcome: 'begun' | 'success' | FaultCode | 'internal_error';
  /** What was run, secrets masked. */
  commands?: readonly (readonly string[])[];
  /** What was changed in the CIB, secrets masked. */
  changes?: readonly object[];
  /** The version of the configuration before and after, `ADMIN_EPOCH.EPOCH`. */
  before?: string | undefined;
  after?: string | undefined;
}

/** Who had what from this node, or done to it. */
export interface AuditLog {
  /**
   * Adds a line with the time of now (`at`, ISO 8601 in UTC). It is on the disk when this returns.
   * Faults: `audit_failed`
   */
  record(entry: AuditEntry): Promise<void>;
  /**
   * Adds the line of a change's end. It is written when this returns, and gets to the disk soon after: to wait for
   * that is to wait for what Pacemaker writes to the same disk just then. The death of this process loses nothing; a
   * power cut in between leaves the change with the line of its beginning alone.
   * Faults: `audit_failed`
   */
  recordEnd(entry: AuditEntry): Promise<void>;
  /**
   * The latest entries, newest first. Of a change that ended, its beginning is left out. A line that a crash
   * cut short is passed over.
   */
  list(most: number): Promise<RecordedEntry[]>;
}

/** An entry with the time of its line (ISO 8601 in UTC). */
export type RecordedEntry = AuditEntry & { at: string };

/** @param file JSON lines; made when it is needed, in a folder that is there */
export function openAuditLog(file: string): AuditLog {
  let latest = Promise.resolve();

  /** One after another: what fails half way must not be in the middle of another line. */
  function append(entry: AuditEntry): { written: Promise<unknown>; onDisk: Promise<void> } {
    const line = JSON.stringify({ at: new Date().toISOString(), ...entry });
    const written = latest.then(() => appendLine(file, line, 0o600));
    const onDisk = written.then((appended) => appended.onDisk);
    latest = onDisk.catch(() => undefined);
    return { written, onDisk };
  }

  return {
    record: (entry) => orFault(file, append(entry).onDisk),
    recordEnd: (entry) => orFault(file, append(entry).written),
    async list(most) {
      // The end of a change is newer than its beginning, so twice as many lines are enough.
      const lines = await readLastLines(file, most * 2, longestRead);
      const entries = lines.flatMap(entryOf).toReversed();
      const ended = new Set(
        entries.filter(({ outcome }) => outcome !== 'begun').map(({ id }) => id),
      );
      return entries
        .filter(({ id, outcome }) => outcome !== 'begun' || !ended.has(id))
        .slice(0, most);
    },
  };
}

/** More than this of the file is not read for a list. */
const longestRead = 8 * 1024 * 1024;

function entryOf(line: string): RecordedEntry[] {
  try {
    return [JSON.parse(line) as RecordedEntry];
  } catch {
    return [];
  }
}

async function orFault(file: string, recorded: Promise<unknown>): Promise<void> {
  try {
    await recorded;
  } catch (error) {
    throw new Fault(
      'audit_failed',
      `This has to be recorded first, and cannot be: ${(error as Error).message}. See whether the disk of ${file} is full or read-only, then ask again.`,
    );
  }
}
