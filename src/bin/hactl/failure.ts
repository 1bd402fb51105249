import { CommanderError } from 'commander';

import { Fault, systemErrorCode } from '../../kit/fault.ts';
import { faults } from '../wiring/faults.ts';
import { type Ending, exitCodes } from './exit-codes.ts';

/** The end of a command that did not do its work, or found something that is not well. */
export interface Failure {
  exitCode: number;
  /** Says what is wrong and what to do next; undefined if that was already printed. */
  text: string | undefined;
}

/** Ends a command that did its work, and found something that is not well. */
export class NotWell extends Error {
  override readonly name = 'NotWell';
  readonly ending: Ending;

  /** @param findings one sentence each, the worst first; none if they were printed already */
  constructor(ending: Ending, findings: readonly string[]) {
    super(findings.join('\n'));
    this.ending = ending;
  }
}

/** The only place where a thrown error becomes sentences and an exit code. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CommanderError) return usageFailure(error);
  if (error instanceof NotWell) {
    return { exitCode: exitCodes[error.ending], text: error.message || undefined };
  }
  if (error instanceof Fault) {
    return {
      exitCode: exitCodes[faults[error.code].exit],
      text: [error.message, error.command?.stderr.trim()].filter(Boolean).join('\n'),
    };
  }
  const code = systemErrorCode(error);
  // Other errors with a code are mistakes in our own calls (ERR_INVALID_ARG_TYPE).
  if (code !== undefined && (!code.startsWith('ERR_') || code in systemErrors)) {
    return systemFailure(code, error as NodeJS.ErrnoException);
  }
  const what = error instanceof Error ? error.message : String(error);
  return {
    exitCode: exitCodes.bug,
    text: `This is a bug of hactl: ${what.replace(/\.$/, '')}; run the command again with HACTL_DEBUG=1 before it, and report what it prints.`,
  };
}

function usageFailure({ exitCode, code, message }: CommanderError): Failure {
  // The requested help or version.
  if (exitCode === 0) return { exitCode, text: undefined };
  const what =
    code === 'commander.help'
      ? 'A command is missing'
      : message
          .replace(/^error: /, '')
          .split('\n')
          .map((line) => line.trim())
          .join(' ');
  return {
    exitCode: exitCodes.usage,
    text: `${what.charAt(0).toUpperCase()}${what.slice(1).replace(/\.$/, '')}; 'hactl help' lists the commands, and 'hactl COMMAND --help' their options.`,
  };
}

interface SystemError {
  ending: 'failing' | 'refused';
  sentence: (path: string) => string;
}

const failing = (sentence: SystemError['sentence']): SystemError => ({
  ending: 'failing',
  sentence,
});
const refused = (sentence: SystemError['sentence']): SystemError => ({
  ending: 'refused',
  sentence,
});

const forbidden = refused((path) =>
  process.getuid?.() === 0
    ? `The system keeps ${path} even from root: see whether an attribute ('lsattr') or a security module does, and try again.`
    : `Only root may use ${path}: run this command as root.`,
);
const noRoom = failing(
  (path) =>
    `There is no room on the disk of ${path}: free some ('df -h' and 'df -i' show how much there is), and try again.`,
);
const isFolder = refused(
  (path) =>
    `There is a folder at ${path}, where a file has to be: name another path, or move the folder away.`,
);
const tooManyFiles = failing(
  () => 'Too many files are open on this host: end what has them open, and try again.',
);

/** errno(3), as far as it concerns files. */
const systemErrors: Readonly<Record<string, SystemError>> = {
  EACCES: forbidden,
  EPERM: forbidden,
  ENOSPC: noRoom,
  EDQUOT: noRoom,
  EROFS: failing(
    (path) =>
      `The disk of ${path} is read-only: see why ('journalctl -k'), mount it writable, and try again.`,
  ),
  EIO: failing(
    (path) =>
      `The disk of ${path} fails: see why ('journalctl -k' and 'smartctl'), and try again when it works.`,
  ),
  ENOENT: refused((path) => `There is no ${path}: check the path, and that its folder exists.`),
  ENOTDIR: refused(
    (path) =>
      `A part of the path ${path} is a file where a folder has to be: check the path, or move that file away.`,
  ),
  EISDIR: isFolder,
  ERR_FS_EISDIR: isFolder,
  EEXIST: refused((path) => `There is something at ${path} already: move it away, and try again.`),
  ELOOP: refused(
    (path) => `The links in the path ${path} form a loop: correct them, and try again.`,
  ),
  ENAMETOOLONG: refused((path) => `The name ${path} is too long: choose a shorter one.`),
  EBUSY: refused(
    (path) => `Something else uses ${path}, such as a mount: end that, and try again.`,
  ),
  EMFILE: tooManyFiles,
  ENFILE: tooManyFiles,
  ENOMEM: failing(() => 'This host has no memory left: free some, and try again.'),
};

/** @param error of a socket, whose path is then in `address` */
function systemFailure(
  code: string,
  { path, address, message }: NodeJS.ErrnoException & { address?: string },
): Failure {
  const { ending, sentence } = systemErrors[code] ?? {
    ending: 'failing',
    sentence: () => `The system refused it (${message}): correct that, and try again.`,
  };
  return {
    exitCode: exitCodes[ending],
    text: sentence(path ?? address ?? 'a file that is needed'),
  };
}
