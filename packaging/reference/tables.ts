import type { z } from 'zod';

import { rulesSchema } from '../../src/alphorn/collecting/rules.ts';
import { settingsSchema } from '../../src/alphorn/settings.ts';
import { amphoraConfig } from '../../src/amphora/config.ts';
import { nodeConfig } from '../../src/node/config.ts';
import { type Ending, exitCodes, exitMeanings } from '../../src/bin/hactl/exit-codes.ts';
import {
  commandsOf,
  describedProgram,
  outputOptions,
  ownOptionsOf,
  printsData,
  type TypedCommand,
  valueOf,
} from './commands.ts';
import { type DescribedFile, otherFiles, ownFiles } from './files.ts';
import { apiOf } from './api.ts';
import { documents, families } from './families.ts';
import { keysOf } from './keys.ts';
import { code, table } from './markdown.ts';
import { routeTables } from './routes.ts';
import { ports, services } from './services.ts';
import { configSchema } from '../../src/bin/wiring/config.ts';
import { controllerSchema } from '../../src/bin/wiring/controller/config.ts';

/** From the root of the repository. */
export const documentsWithTables = ['README.md', 'docs/reference.md', 'docs/api.md'] as const;

/** The tables of the documents by the name that their place has there, in Markdown. */
export async function tables(): Promise<Readonly<Record<string, string>>> {
  const { reads, changes } = routeTables();
  return {
    'routes-that-read': reads,
    'routes-that-change': changes,
    ...Object.fromEntries(
      [...Object.values(families), documents].map((each) => [`api-${each.name}`, apiOf(each)]),
    ),
    keys: keyTable(configSchema),
    'settings-keys': keyTable(settingsSchema),
    'rules-keys': keyTable(rulesSchema),
    'amphora-keys': keyTable(amphoraConfig),
    'node-keys': keyTable(nodeConfig),
    'controller-keys': keyTable(controllerSchema),
    services: table(
      ['Service', 'What it is'],
      (await services()).map(({ name, what }) => [code(name), what]),
    ),
    ports: table(
      ['Port', 'Key', 'What for'],
      ports.map(({ number, key, what }) => [number ?? 'off', code(key), what]),
    ),
    files: fileTable(ownFiles),
    'other-files': fileTable(otherFiles),
    commands: table(
      ['Command', 'What it does'],
      commandsOf(describedProgram())
        .filter(({ isGroup }) => !isGroup)
        .map((each) => [code(synopsisOf(each)), startWithCapital(each.command.summary())]),
    ),
    options: table(
      ['Option', 'Of', 'What it does'],
      commandsOf(describedProgram())
        .flatMap(({ name, command }) =>
          ownOptionsOf(command).map((option) => [
            code(optionText(option)),
            code(name),
            startWithCapital(option.description),
          ]),
        )
        .concat(
          outputOptions.map((option) => [
            code(`${option.short ? `${option.short}, ` : ''}${optionText(option)}`),
            'each command that prints data',
            startWithCapital(option.description),
          ]),
        ),
    ),
    'exit-codes': table(
      ['Exit code', 'What it means'],
      (Object.keys(exitCodes) as Ending[]).map((ending) => [
        `${exitCodes[ending]}`,
        exitMeanings[ending],
      ]),
    ),
  };
}

/**
 * Fills in the tables of a document: what is between `<!-- table: NAME -->` and `<!-- end of table -->`.
 * Throws if there is no table of that name.
 */
export async function withTables(document: string): Promise<string> {
  const made = await tables();
  return document.replace(
    /(<!-- table: ([\w-]+) -->\n)[^]*?(<!-- end of table -->)/g,
    (_all, begin: string, name: string, end: string) => {
      const content = made[name];
      if (content === undefined) throw new Error(`There is no table ${name}.`);
      return `${begin}${content}\n${end}`;
    },
  );
}

function keyTable(schema: z.ZodType): string {
  return table(
    ['Key', 'Value', 'Default', 'What it does'],
    keysOf(schema).map(({ name, values, defaultText, description }) => [
      code(name),
      values,
      defaultText === undefined ? 'required' : code(defaultText),
      description,
    ]),
  );
}

function fileTable(files: readonly DescribedFile[]): string {
  return table(
    ['Path', 'What it is'],
    files.map(({ path, what }) => [code(path), what]),
  );
}

function synopsisOf({ name, command }: TypedCommand): string {
  const words = [
    ...command.registeredArguments.map((argument) => {
      const text = `${argument.name().toUpperCase()}${argument.variadic ? '...' : ''}`;
      return argument.required ? text : `[${text}]`;
    }),
    ...ownOptionsOf(command).map((option) =>
      option.mandatory ? optionText(option) : `[${optionText(option)}]`,
    ),
    ...(printsData(command) ? ['[-o FORMAT]'] : []),
  ];
  return ['hactl', name, ...words].join(' ');
}

function optionText(option: Parameters<typeof valueOf>[0]): string {
  const value = valueOf(option);
  return `${option.long ?? ''}${value === undefined ? '' : ` ${value.replaceAll(' | ', '|')}`}`;
}

function startWithCapital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
