import { Fault, type FaultCode } from './errors.ts';
import { appendLine } from './files.ts';

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
  outcome: 'success' | FaultCode;
}

/** Who had what from this node, or done to it. */
export interface AuditLog {
  /**
   * Adds a line with the time of now (`at`, ISO 8601 in UTC). It is on the disk when this returns.
   * Faults: `audit_failed`
   */
  record(entry: AuditEntry): Promise<void>;
}

/** @param file JSON lines; made when it is needed, in a folder that is there */
export function openAuditLog(file: string): AuditLog {
  let latest = Promise.resolve();
  return {
    record(entry) {
      const line = JSON.stringify({ at: new Date().toISOString(), ...entry });
      // One after another: what fails half way must not be in the middle of another line.
      const recorded = latest.then(() => append(file, line));
      latest = recorded.catch(() => undefined);
      return recorded;
    },
  };
}

async function append(file: string, line: string): Promise<void> {
  try {
    await appendLine(file, line, 0o600);
  } catch (error) {
    throw new Fault(
      'audit_failed',
      `This has to be recorded first, and cannot be: ${(error as Error).message}. See whether the disk of ${file} is full or read-only, then ask again.`,
    );
  }
}
