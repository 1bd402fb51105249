import { type Command, Option } from 'commander';

/** Gives a command that prints data the option `-o table|json`. `--json` is the older form, which scripts still use. */
export function withOutput(command: Command): Command {
  return command
    .addOption(
      new Option('-o, --output <format>', 'how to print it (default: table)').choices([
        'table',
        'json',
      ]),
    )
    .addOption(new Option('--json', 'the same as -o json').implies({ output: 'json' }));
}

/**
 * Prints data in the format that the command line requests.
 * @param command a command with withOutput(), or one below it
 * @param data all of it, for JSON
 * @param printTable prints it for people
 */
export function printData(command: Command, data: unknown, printTable: () => void): void {
  // With globals, because commander gives an option to the command above if that has the same one.
  if (command.optsWithGlobals<{ output?: string }>().output === 'json') {
    console.log(JSON.stringify(data, null, 2));
  } else {
    printTable();
  }
}
