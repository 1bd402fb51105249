import { CommanderError } from 'commander';

import { Fault, type FaultCode, systemErrorCode } from '../errors.ts';

/** The exit codes of `hactl`; hactl(8), "EXIT STATUS". After a signal the code is 128 plus the signal's number. */
export const exitCodes = { done: 0, failed: 1, usage: 2, bug: 70, outputClosed: 141 } as const;

/** How a command ended that did not do what it was asked for. */
export interface Failure {
  exitCode: number;
  /** Says what is wrong and what to do next; undefined if that was printed already. */
  text: string | undefined;
}

/** Faults of a command line, as those that commander finds. */
const usageFaults: readonly FaultCode[] = ['invalid_request', 'invalid_token_request'];

/** The one place where whatever a command throws becomes a sentence and an exit code. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CommanderError) return usageFailure(error);
  if (error instanceof Fault) {
    return {
      exitCode: usageFaults.includes(error.code) ? exitCodes.usage : exitCodes.failed,
      text: [error.message, error.command?.stderr.trim()].filter(Boolean).join('\n'),
    };
  }
  const code = systemErrorCode(error);
  // Other errors with a code are mistakes in our own calls (ERR_INVALID_ARG_TYPE).
  if (code !== undefined && (!code.startsWith('ERR_') || code in sentences)) {
    return {
      exitCode: exitCodes.failed,
      text: systemSentence(code, error as NodeJS.ErrnoException),
    };
  }
  const what = error instanceof Error ? error.message : String(error);
  return {
    exitCode: exitCodes.bug,
    text: `This is a bug of hactl: ${what}. Report it with what the same command prints with HACTL_DEBUG=1 before it.`,
  };
}

function usageFailure({ exitCode, code, message }: CommanderError): Failure {
  // The help that was asked for.
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
    text: `${what.replace(/\.$/, '')}. Run 'hactl help' for what there is.`,
  };
}

const sentences: Readonly<Record<string, (path: string) => string>> = {
  EACCES: forRoot,
  EPERM: forRoot,
  ENOSPC: noRoom,
  EDQUOT: noRoom,
  EROFS: (path) =>
    `The disk of ${path} is read-only. See why ('journalctl -k'), mount it so that it can be written to, and try again.`,
  EIO: (path) =>
    `The disk of ${path} fails. 'journalctl -k' and 'smartctl' say more; try again when it works.`,
  ENOENT: (path) => `There is no ${path}. See whether the path is right, and its folder is there.`,
  ENOTDIR: (path) =>
    `On the way to ${path} there is a file where a folder has to be. See whether the path is right, or move that file away.`,
  EISDIR: isFolder,
  ERR_FS_EISDIR: isFolder,
  EEXIST: (path) => `There is something at ${path} already. Move it away, and try again.`,
  ELOOP: (path) => `The links on the way to ${path} lead nowhere. Put them right, and try again.`,
  ENAMETOOLONG: (path) => `The name ${path} is too long. Take a shorter one.`,
  EBUSY: (path) => `Something else uses ${path}, such as a mount. End that, and try again.`,
  EMFILE: tooManyFiles,
  ENFILE: tooManyFiles,
  ENOMEM: () => 'This host has no memory left. Free some, and try again.',
};

/** errno(3), as far as files make it. */
function systemSentence(code: string, { path, message }: NodeJS.ErrnoException): string {
  const sentence = sentences[code];
  if (sentence) return sentence(path ?? 'a file that it needs');
  return `The system refused it: ${message}. Put that right, and try again.`;
}

function forRoot(path: string): string {
  return process.getuid?.() === 0
    ? `The system keeps ${path} even from root. See whether an attribute ('lsattr') or a security module does, and try again.`
    : `Only root may use ${path}. Run it as root.`;
}

function noRoom(path: string): string {
  return `There is no room on the disk of ${path}. Make room there ('df -h' and 'df -i' say how much there is), and try again.`;
}

function isFolder(path: string): string {
  return `There is a folder at ${path}, where a file has to be. Name another, or move it away.`;
}

function tooManyFiles(): string {
  return 'Too many files are open on this host. End what has them open, and try again.';
}
