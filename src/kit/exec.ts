import { execa } from 'execa';

import { type Deadline, setDeadline } from './concurrency/deadline.ts';
import { Fault, type FaultCode } from './fault.ts';
import type { Log } from './log.ts';
import { toolFolders } from './paths.ts';
import { maskArgv, maskText } from './secrets/masking.ts';

/** A process to run. No shell is involved: the tool gets `argv` as it is. */
export interface Command {
  argv: readonly [tool: string, ...args: string[]];
  /** Milliseconds until the process and its children are killed. A standstill of the machine uses up a tenth at most. */
  deadlineMs: number;
  /** What it reads from its stdin, which is /dev/null otherwise. */
  input?: string;
  /** Added to the clean environment. */
  env?: Readonly<Record<string, string>>;
  /** Its stderr may quote secrets that have no name, so neither the log nor a fault has it. */
  isStderrSecret?: boolean;
}

/** How a command ended by itself. The caller knows what an exit code means. */
export interface Outcome {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs a command to its end.
 * Faults: `tool_missing`, `tool_not_started`, `tool_timeout`, `tool_ended_by_signal`,
 * `output_too_large`, `no_space` if it failed and says so.
 * An exit code other than 0 is not a fault.
 */
export type Run = (command: Command) => Promise<Outcome>;

// A CIB of a thousand resources is about 5 MB of XML.
const outputLimit = 16 * 1024 * 1024;
/** Max number of characters of stderr that are logged. */
const loggedLength = 1000;

/** The texts of the C library (strerror(3)) for ENOSPC, EDQUOT and EROFS, which tools print. */
const saysNoRoom = /No space left on device|Disk quota exceeded|Read-only file system/;

const cleanEnvironment = { PATH: toolFolders.join(':'), LC_ALL: 'C', HOME: '/root' };

/**
 * Runs all commands of the agent: argv only, a clean environment, a deadline, a limit on the output, and one log line a
 * call with secrets masked.
 */
export function makeRun(log: Log): Run {
  return async ({ argv, deadlineMs, input, env, isStderrSecret = false }) => {
    const shown = (stderr: string) => (isStderrSecret ? '' : stderr);
    const [tool, ...args] = argv;
    const startedAt = performance.now();
    const running = execa(tool, args, {
      env: { ...cleanEnvironment, ...env },
      extendEnv: false,
      ...(input === undefined ? { stdin: 'ignore' } : { input }),
      stripFinalNewline: false,
      maxBuffer: outputLimit,
      reject: false,
      // Gives it a process group, so that its children can be killed with it.
      detached: true,
    });
    const seen = { exit: false };
    // A child that outlives its parent would keep the pipes open, and this call waiting.
    running.once('exit', () => {
      seen.exit = true;
      killGroup(running.pid);
    });
    const result = await inTime(running, deadlineMs);

    const call = { argv: maskArgv(argv), ms: Math.round(performance.now() - startedAt) };
    const fail = (code: FaultCode, message: string, stderr = ''): never => {
      log.warn(
        { ...call, code, stderr: maskText(stderr.slice(0, loggedLength)) },
        'command failed',
      );
      throw new Fault(code, message, { command: { argv, exitCode: null, stderr } });
    };
    if (result === 'deadline passed') {
      // After its exit, its id may belong to another process.
      if (!seen.exit) killGroup(running.pid);
      // A child that left the group may still hold the other ends of the pipes.
      running.stdout.destroy();
      running.stderr.destroy();
      // Does not wait for the end: a process that waits for a dead disk cannot even be killed.
      return fail(
        'tool_timeout',
        `${tool} gave no answer in ${deadlineMs / 1000} s and was ended. It or a service that it asks may hang, or this host may be too busy: look at the journal, then try again.`,
      );
    }
    if (result.code === 'ENOENT' || result.code === 'EACCES') {
      return fail(
        'tool_missing',
        `${tool} is not installed or not executable on this node. Install the package that holds it ('apt-file find ${tool.includes('/') ? tool : `bin/${tool}`}' names it), then try again.`,
      );
    }
    if (result.isMaxBuffer) {
      return fail(
        'output_too_large',
        `${tool} printed more than ${outputLimit} bytes and was ended. Run it by hand on the node to see what; if the output is sound, please report it.`,
      );
    }
    if (result.exitCode === undefined && result.signal === undefined) {
      return fail(
        'tool_not_started',
        `${tool} could not be started: ${result.originalMessage ?? 'no reason given'}. The node may be short of memory or processes.`,
      );
    }
    if (result.exitCode === undefined) {
      return fail(
        'tool_ended_by_signal',
        `${tool} was ended by ${result.signal ?? 'a signal'} from outside. Try again; if it happens again, look for the out-of-memory killer in the journal.`,
        shown(result.stderr),
      );
    }
    if (result.exitCode !== 0 && saysNoRoom.test(result.stderr)) {
      throw new Fault(
        'no_space',
        `${tool} could not write to a disk that is full or read-only; 'stderr' says which. See 'df' and 'df -i', make room there, then try again.`,
        { command: { argv, exitCode: result.exitCode, stderr: shown(result.stderr) } },
      );
    }
    log.debug(
      {
        ...call,
        exitCode: result.exitCode,
        bytes: result.stdout.length,
        stderr: maskText(shown(result.stderr).slice(0, loggedLength)),
      },
      'command',
    );
    return { exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr };
  };
}

/** @returns 'deadline passed' if the work does not end before that */
async function inTime<T>(work: Promise<T>, deadlineMs: number): Promise<T | 'deadline passed'> {
  let deadline: Deadline | undefined;
  const passed = new Promise<'deadline passed'>((resolve) => {
    deadline = setDeadline(deadlineMs, () => {
      resolve('deadline passed');
    });
  });
  try {
    return await Promise.race([work, passed]);
  } finally {
    deadline?.cancel();
  }
}

/**
 * Runs a command whose every exit code except 0 means failure.
 * @param message what the failure means and what to do next; the command's stderr goes with it
 * Faults: `tool_failed`, those of Run.
 */
export async function runToSuccess(run: Run, command: Command, message: string): Promise<string> {
  const { exitCode, stdout, stderr } = await run(command);
  if (exitCode === 0) return stdout;
  throw new Fault('tool_failed', message, { command: { argv: command.argv, exitCode, stderr } });
}

/** A process that stays until it is stopped, in the foreground or as a daemon. */
export interface Resident {
  /** Settles once the process and all children that it left behind are gone; it never rejects. */
  ended: Promise<void>;
  /** Writes to the standard input of an attended process; does nothing once the process is gone. */
  write(text: string): void;
  /** Kills all of them. */
  stop(): void;
}

/**
 * @param options.attended gives the process an input to write to and the stderr of this process; others have neither
 */
export type StartResident = (argv: Command['argv'], options?: { attended?: boolean }) => Resident;

/** Starts processes that stay: argv only, the same environment as a command's, and their output is discarded. */
export function makeStartResident(): StartResident {
  return ([tool, ...args], { attended = false } = {}) => {
    const running = execa(tool, args, {
      env: cleanEnvironment,
      extendEnv: false,
      // A daemon closes the first three streams and leaves its starter behind, but it keeps the fourth open for as long
      // as it runs. So its end is noticed without polling.
      stdio: [attended ? 'pipe' : 'ignore', 'ignore', attended ? 'inherit' : 'ignore', 'pipe'],
      buffer: false,
      reject: false,
      detached: true,
    });
    const state = { ended: false };
    const ended = running.then(() => {
      state.ended = true;
    });
    return {
      ended,
      write: (text) => {
        if (!state.ended) running.stdin?.write(text);
      },
      stop: () => {
        // Afterwards its id may belong to another process.
        if (!state.ended) killGroup(running.pid);
      },
    };
  };
}

/** Sends SIGKILL, because a stopped process (SIGSTOP) reacts to no other signal. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH: nobody is left in the group.
  }
}
