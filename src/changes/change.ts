import type { Run } from '../kit/exec.ts';
import type { AuditedRequest } from './audit/audit.ts';

/** Who asks for a change, and on which conditions. */
export interface ChangeRequest {
  request: AuditedRequest;
  /** The version that the change is meant for, as its family writes versions. */
  ifVersion: string | undefined;
  /** Milliseconds to wait until everything that follows from the change has happened. */
  waitMs: number | undefined;
}

/** A change of any family: one value that can be carried out, and perhaps tried first. */
export interface Change<T> {
  /** At most one change with the same key may be queued or running. */
  alone?: string;
  /** Whether it runs at once, next to the others, instead of after them. */
  isConcurrent?: boolean;
  /** Whether what it changes has a version, so that a request may name one. */
  hasVersion: boolean;
  /** Prepares one attempt. Nothing is read or changed yet. */
  begin: (request: ChangeRequest) => Attempt<T>;
  /** Says what it would do, and changes nothing. A change without this cannot be tried. */
  try?: (request: ChangeRequest) => Promise<DryRun>;
}

/** One attempt at a change. The pipeline calls its functions in this order, each once. */
export interface Attempt<T> {
  /** Refuses what the request makes impossible. Nothing is on record yet. */
  admit?: () => Promise<void>;
  /** Carries the change out. It leaves nothing half done where that can be avoided. */
  carryOut: (site: ChangeSite) => Promise<T>;
  /** Says what the audit log should have of it. It does not fail. */
  ended?: (outcome: string) => Promise<ChangeRecord>;
  /**
   * Waits for what follows from it, while the next change runs already.
   * @param stopping is aborted when the service stops, which nobody should hold up
   */
  follow?: (stopping: AbortSignal) => Promise<Followed>;
}

/** The tools of a change while it is carried out. */
export interface ChangeSite {
  /** Identifies the change, also in the audit log. */
  id: string;
  /** Runs a command and records it. */
  run: Run;
  /** Settles when the beginning of the change is on record. Nothing may be changed before. */
  recorded: Promise<void>;
  /** Tells the caller something about a change that was made. */
  warn: (text: string) => void;
}

/** The part of an audit entry that the family of a change knows. */
export interface ChangeRecord {
  /** Versions before and after the change. */
  before?: string | undefined;
  after?: string | undefined;
  changes?: readonly object[];
}

/** What became of a change after it was made. */
export interface Followed {
  /** Whether everything that follows from it has happened, as far as that was waited for. */
  settled: boolean;
  /** Whether its object is what the change wanted, as far as that was waited for. */
  asExpected: boolean;
  warnings: readonly string[];
}

/** A change that was made. */
export interface ChangeResult<T> extends Followed {
  answer: T;
  /** The version after it, if that is known. */
  version: string | undefined;
}

/** A change that was only tried. */
export interface DryRun {
  /** The version that it was tried on. */
  version: string;
  /** What would happen, by kind. */
  effects: Readonly<Record<string, readonly object[]>>;
  warnings: readonly string[];
}

/** A change of files or services of this host. It has no version and nothing follows from it. */
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
