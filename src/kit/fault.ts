import { maskArgv, maskText } from './secrets/masking.ts';

/**
 * The stable codes of faults. Each family adds its own from the table that gives them a meaning, `faults.ts` of its
 * routes; those that all families share are in server/faults.ts.
 */
export interface FaultCodes extends Record<never, unknown> {}

/** What went wrong. Codes never change. */
export type FaultCode = keyof FaultCodes;

// As much as a person reads of it; a tool may print megabytes.
const maxStderrLength = 4096;

/** What is reported of a command. */
export interface CommandReport {
  argv: readonly string[];
  exitCode: number | null;
  stderr: string;
}

/** What is wrong with one field of a request. It leaves out the value, which may be a secret. */
export interface FieldError {
  field: string;
  /** What was expected. */
  message: string;
  /** The type of the value that came, see type-of.ts. */
  type: string;
}

/**
 * An expected failure. It is made where its cause is known, passed up unchanged, and turned into an HTTP response or
 * terminal output at the edge. Anything else that is thrown is a bug.
 */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: FaultCode;
  readonly command: CommandReport | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly errors: readonly FieldError[] | undefined;
  readonly confirmation: object | undefined;

  /**
   * @param code what happened, for programs
   * @param message what happened and what to do next, for people
   * @param more.command secrets in it are masked here, so that no reader of a fault can forget to mask them
   */
  constructor(
    code: FaultCode,
    message: string,
    more: {
      command?: CommandReport;
      retryAfterSeconds?: number;
      errors?: readonly FieldError[];
      confirmation?: object;
    } = {},
  ) {
    super(message);
    this.code = code;
    this.command = more.command && {
      argv: maskArgv(more.command.argv),
      exitCode: more.command.exitCode,
      stderr: maskText(more.command.stderr.slice(0, maxStderrLength)),
    };
    this.retryAfterSeconds = more.retryAfterSeconds;
    this.errors = more.errors;
    this.confirmation = more.confirmation;
  }
}

/** The code of a Node system error (`ENOENT`, `EEXIST`, …), or undefined for any other value. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}

/**
 * The fault for an error of the system that says that there is no room to write: the disk is full, a quota is used up, or
 * the disk is read-only, as Linux makes a failing one.
 * @param place what was to be written; by default the path that the error names
 * @returns a fault `no_space`, or undefined for any other value
 */
export function noSpaceOf(error: unknown, place?: string): Fault | undefined {
  const why = noRoom[systemErrorCode(error) ?? ''];
  if (why === undefined) return undefined;
  const { path } = error as NodeJS.ErrnoException;
  return new Fault(
    'no_space',
    `${place ?? path ?? 'A file'} could not be written: ${why}. It is as it was before. See 'df' and 'df -i', make room there, then try again.`,
  );
}

const noRoom: Readonly<Record<string, string>> = {
  ENOSPC: 'its disk is full (ENOSPC)',
  EDQUOT: 'its quota is used up (EDQUOT)',
  EROFS: 'its disk is read-only (EROFS)',
};
