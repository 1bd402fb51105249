import { Command, type Option } from 'commander';

import { withOutput } from '../../src/bin/hactl/output.ts';
import { makeProgram } from '../../src/bin/hactl/program.ts';
import { debianPaths } from '../../src/bin/wiring/paths.ts';

/** `hactl` with all its commands. Only to be described: none of its commands is run. */
export function describedProgram(): Command {
  return makeProgram(debianPaths, () => Promise.reject(new Error('This is not run.')), '');
}

/** Something that a person can type: `alphorn restores drop`. */
export interface TypedCommand {
  /** Without `hactl`. */
  name: string;
  command: Command;
  /** Whether it does nothing itself, and only has others below it. */
  isGroup: boolean;
}

/** All commands and groups of commands, in the order of the help. */
export function commandsOf(program: Command, prefix = ''): TypedCommand[] {
  return program.commands.flatMap((command) => {
    const name = `${prefix}${command.name()}`;
    const { options, registeredArguments, commands } = command;
    const isGroup = commands.length > 0 && options.length + registeredArguments.length === 0;
    return [{ name, command, isGroup }, ...commandsOf(command, `${name} `)];
  });
}

/** The options of every command that prints data. */
export const outputOptions: readonly Option[] = withOutput(new Command()).options;

/** The options of a command, without those. */
export function ownOptionsOf({ options }: Command): Option[] {
  return options.filter(({ long }) => !outputOptions.some((output) => output.long === long));
}

export function printsData({ options }: Command): boolean {
  return outputOptions.every(({ long }) => options.some((option) => option.long === long));
}

/** What an option takes, such as `viewer | operator | admin` or `FOLDER`; undefined if it takes nothing. */
export function valueOf({ flags, argChoices }: Option): string | undefined {
  if (argChoices) return argChoices.join(' | ');
  return /<(.+)>/.exec(flags)?.[1]?.toUpperCase();
}
