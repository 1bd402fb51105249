import type { Command } from 'commander';

import { systemErrorCode } from '../../kit/fault.ts';
import { exitCodes } from './exit-codes.ts';
import { failureOf } from './failure.ts';
import { warn } from './print.ts';

/**
 * Runs the command line, and prints what went wrong.
 * @param argv as `process.argv` has it
 * @returns the exit code
 */
export async function runCommandLine(program: Command, argv: readonly string[]): Promise<number> {
  leaveErrorsToUs(program);
  // A command continues when nobody reads its output any more, so that its work and its record are completed.
  let outputError: Error | undefined;
  process.stdout.on('error', (error: Error) => {
    outputError ??= error;
  });
  process.stderr.on('error', () => undefined);
  // Errors of promises and events that no code has awaited.
  process.on('uncaughtException', (error) => {
    process.exit(failed(error));
  });
  let exitCode: number = exitCodes.ok;
  try {
    await program.parseAsync(argv);
  } catch (error) {
    exitCode = failed(error);
  }
  await new Promise((resolve) => process.stdout.write('', resolve));
  if (exitCode !== exitCodes.ok || outputError === undefined) return exitCode;
  return outputFailed(outputError);
}

/** Prints what is wrong. @returns the exit code */
function failed(error: unknown): number {
  const { text, exitCode } = failureOf(error);
  if (text !== undefined) {
    warn(text);
    // An empty value is as good as none.
    if (process.env['HACTL_DEBUG']) console.error(error);
  }
  return exitCode;
}

function outputFailed(error: Error): number {
  const code = systemErrorCode(error);
  // `hactl audit | head`: the reader has what it wanted.
  if (code === 'EPIPE') return exitCodes.outputClosed;
  warn(
    `The command was carried out, but its output could not be written (${code ?? error.message}). Send the output elsewhere. Revoke a token that you did not get, and create another one.`,
  );
  return exitCodes.failing;
}

/** By default, commander prints errors of the command line and ends the process. */
function leaveErrorsToUs(command: Command): void {
  command.exitOverride().configureOutput({ writeErr: () => undefined });
  command.commands.forEach(leaveErrorsToUs);
}
