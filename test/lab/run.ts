import { execa } from 'execa';

/** How a command ended and what it printed. */
export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** The command's standard input; empty by default. */
  readonly input?: string | Uint8Array;
  /** The time after which the command is killed and counts as failed. */
  readonly deadlineMs?: number;
  /** Replaces the whole environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** File descriptors that the command inherits, from 3 on. */
  readonly inherit?: readonly number[];
}

export type Argv = readonly [command: string, ...args: string[]];

/** A command that could not be started, failed, or outlived its deadline. */
export class CommandError extends Error {
  readonly argv: Argv;
  readonly outcome: Outcome;

  constructor(argv: Argv, outcome: Outcome, why: string) {
    const printed = [outcome.stderr, outcome.stdout].map((text) => text.trim()).filter(Boolean);
    super([`${argv.join(' ')}: ${why}`, ...printed].join('\n'));
    this.name = 'CommandError';
    this.argv = argv;
    this.outcome = outcome;
  }
}

const defaultDeadlineMs = 30_000;

/**
 * Runs a command to its end, whatever its exit code.
 * @throws {CommandError} if it could not be started or outlived its deadline
 */
export async function attempt(argv: Argv, options: RunOptions = {}): Promise<Outcome> {
  const [command, ...args] = argv;
  const deadlineMs = options.deadlineMs ?? defaultDeadlineMs;
  const result = await execa(command, args, {
    reject: false,
    stdio: [
      options.input === undefined ? 'ignore' : 'pipe',
      'pipe',
      'pipe',
      // The types of execa know no descriptor above 9
      ...((options.inherit ?? []) as readonly 9[]),
    ],
    timeout: deadlineMs,
    forceKillAfterDelay: 2_000,
    // The output of a command is passed on to the byte
    stripFinalNewline: false,
    maxBuffer: 64 * 1024 * 1024,
    ...(options.input !== undefined && { input: options.input }),
    ...(options.env && { env: options.env, extendEnv: false }),
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  });
  const outcome = {
    exitCode: result.exitCode ?? -1,
    stdout: result.stdout,
    stderr: result.stderr,
  };
  if (result.timedOut) {
    throw new CommandError(argv, outcome, `still running after ${deadlineMs / 1000} s, killed`);
  }
  if (result.exitCode === undefined) {
    throw new CommandError(argv, outcome, result.originalMessage ?? `ended by ${result.signal}`);
  }
  return outcome;
}

/**
 * Runs a command that has to succeed.
 * @returns what it printed on its standard output
 * @throws {CommandError} even if only the exit code is not 0
 */
export async function run(argv: Argv, options: RunOptions = {}): Promise<string> {
  const outcome = await attempt(argv, options);
  if (outcome.exitCode !== 0) {
    throw new CommandError(argv, outcome, `exit code ${outcome.exitCode}`);
  }
  return outcome.stdout;
}
