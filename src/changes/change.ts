import type { Run } from '../kit/exec.ts';
import type { AuditedRequest } from './audit/audit.ts';

/** The caller of a change, and the conditions of the request. */
export interface ChangeRequest {
  request: AuditedRequest;
  /** The version that the change is meant for, in the format of its family. */
  ifVersion: string | undefined;
  /** Milliseconds to wait until everything that follows from the change has happened. */
  waitMs: number | undefined;
}

/** A change of any family: a value that can be carried out, and perhaps tried before. */
export interface Change<T> {
  /** At most one change with the same key may be queued or running. */
  alone?: string;
  /** Whether it runs at once, next to the others, instead of after them. */
  isConcurrent?: boolean;
  /** Whether its object has a version, so that a request may name one. */
  hasVersion: boolean;
  /** Prepares one attempt. Nothing is read or changed yet. */
  begin: (request: ChangeRequest) => Attempt<T>;
  /** Returns what the change would do, and changes nothing. A change without this has no dry run. */
  try?: (request: ChangeRequest) => Promise<DryRun>;
}

/** One attempt at a change. The pipeline calls these functions in this order, each once. */
export interface Attempt<T> {
  /** Refuses what the request makes impossible. Nothing is recorded yet. */
  admit?: () => Promise<void>;
  /** Carries the change out. If possible, nothing is left half done. */
  carryOut: (site: ChangeSite) => Promise<T>;
  /** Returns what the audit log records of it. It does not fail. */
  ended?: (outcome: string) => Promise<ChangeRecord>;
  /**
   * Waits for the consequences of the change, while the next change is already running.
   * @param stopping is aborted when the service stops, which must not be delayed
   */
  follow?: (stopping: AbortSignal) => Promise<Followed>;
}

/** The tools of a change while it is carried out. */
export interface ChangeSite {
  /** Identifies the change, also in the audit log. */
  id: string;
  /** Runs a command and records it. */
  run: Run;
  /** Settles when the beginning of the change is recorded. Nothing may be changed before. */
  recorded: Promise<void>;
  /** Adds a warning for the caller to a change that was made. */
  warn: (text: string) => void;
}

/** The part of an audit entry that comes from the family of the change. */
export interface ChangeRecord {
  /** The versions before and after the change. */
  before?: string | undefined;
  after?: string | undefined;
  changes?: readonly object[];
}

/** The known result of a change after it was made. */
export interface Followed {
  /** Whether all consequences have happened, as far as this was waited for. */
  settled: boolean;
  /** Whether the object is in the wanted state, as far as this was waited for. */
  asExpected: boolean;
  warnings: readonly string[];
}

/** A change that was made. */
export interface ChangeResult<T> extends Followed {
  answer: T;
  /** The version after it, if known. */
  version: string | undefined;
}

/** The result of a dry run. */
export interface DryRun {
  /** The version on which it was tried. */
  version: string;
  /** The expected effects by kind. */
  effects: Readonly<Record<string, readonly object[]>>;
  warnings: readonly string[];
}

/** A change of files or services of this host. It has no version and no consequences. */
export function hostChange<T>(carryOut: (site: ChangeSite) => Promise<T>): Change<T> {
  return {
    hasVersion: false,
    begin: () => ({
      async carryOut(site) {
        await site.recorded;
        return carryOut(site);
      },
    }),
  };
}
