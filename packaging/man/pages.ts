// The manual pages: hand-written prose in *.in, and in the places of its lines @NAME@ what the program itself knows.
import { readFile } from 'node:fs/promises';

import type { z } from 'zod';

import { rulesSchema } from '../../src/alphorn/collecting/rules.ts';
import { settingsSchema } from '../../src/alphorn/settings.ts';
import { amphoraConfig } from '../../src/amphora/config.ts';
import { controllerSchema } from '../../src/bin/wiring/controller/config.ts';
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
} from '../reference/commands.ts';
import { type DescribedFile, otherFiles, ownFiles } from '../reference/files.ts';
import { keysOf } from '../reference/keys.ts';
import { ports, services } from '../reference/services.ts';
import { bold, italic, item, plain, prose, sentence } from './roff.ts';
import { configSchema } from '../../src/bin/wiring/config.ts';
import { environmentPrefix, fileVariable } from '../../src/kit/config/read.ts';

/** The names of the pages. The last part of each is its section. */
export const pageNames = ['ha-agent.8', 'ha-agent.json.5', 'hactl.8'] as const;
export type PageName = (typeof pageNames)[number];

/** @returns the page in roff */
export async function manPage(page: PageName): Promise<string> {
  const template = await readFile(new URL(`${page}.in`, import.meta.url), 'utf8');
  const made = await sections();
  return template.replace(/^@(\w+)@$/gm, (_line, name: string) => {
    const section = made[name];
    if (section === undefined) throw new Error(`${page}.in: there is no section ${name}.`);
    return section;
  });
}

async function sections(): Promise<Readonly<Record<string, string>>> {
  const commands = commandsOf(describedProgram());
  return {
    SYNOPSIS: commands
      .filter(({ isGroup }) => !isGroup)
      .map(synopsisOf)
      .join('\n.br\n'),
    COMMANDS: commands.map(commandSection).join('\n'),
    OUTPUT_OPTIONS: outputOptions.map(optionItem).join('\n'),
    EXIT_STATUS: (Object.keys(exitCodes) as Ending[])
      .map((ending) => item(bold(`${exitCodes[ending]}`), prose(exitMeanings[ending])))
      .join('\n'),
    SERVICES: (await services()).map(({ name, what }) => item(bold(name), prose(what))).join('\n'),
    PORTS: ports
      .map(({ number, key, what }) =>
        item(number === undefined ? 'off' : bold(number), `${prose(what)} Key: ${bold(key)}.`),
      )
      .join('\n'),
    OWN_FILES: ownFiles.map(fileItem).join('\n'),
    OTHER_FILES: otherFiles.map(fileItem).join('\n'),
    KEYS: keyItems(configSchema),
    SETTINGS_KEYS: keyItems(settingsSchema),
    RULES_KEYS: keyItems(rulesSchema),
    AMPHORA_KEYS: keyItems(amphoraConfig),
    CONTROLLER_KEYS: keyItems(controllerSchema),
    NODE_KEYS: keyItems(nodeConfig),
    ENVIRONMENT: [
      item(bold(fileVariable), prose('The file to read instead of the configuration.')),
      item(
        `${bold(environmentPrefix)}${italic('KEY')}`,
        prose(
          'Overrides a key of the configuration, such as HA_AGENT_HTTPS_PORT for https_port. A section or a list is JSON.',
        ),
      ),
    ].join('\n'),
  };
}

function synopsisOf({ name, command }: TypedCommand): string {
  const words = [
    ...command.registeredArguments.map((argument) => {
      const text = `${italic(argument.name().toUpperCase())}${argument.variadic ? ' ...' : ''}`;
      return argument.required ? text : `[${text}]`;
    }),
    ...ownOptionsOf(command).map((option) => {
      const text = optionTerm(option);
      return option.mandatory ? text : `[${text}]`;
    }),
    ...(printsData(command) ? [`[${bold('-o table')} | ${bold('json')}]`] : []),
  ];
  return [bold(`hactl ${name}`), ...words].join(' ');
}

function commandSection({ name, command }: TypedCommand): string {
  return [
    `.SS ${plain(name)}`,
    prose(command.description()),
    ...command.registeredArguments.map((argument) =>
      item(italic(argument.name().toUpperCase()), sentence(argument.description)),
    ),
    ...ownOptionsOf(command).map(optionItem),
  ].join('\n');
}

type DescribedOption = (typeof outputOptions)[number];

function optionTerm(option: DescribedOption): string {
  const { short, long } = option;
  const names = [short, long].filter((name) => name !== undefined).map(bold);
  const value = valueOf(option);
  return `${names.join(', ')}${value === undefined ? '' : ` ${option.argChoices ? bold(value) : italic(value)}`}`;
}

function optionItem(option: DescribedOption): string {
  const preset = option.defaultValue as string | number | undefined;
  const description =
    preset === undefined ? option.description : `${option.description} (default: ${preset})`;
  return item(optionTerm(option), sentence(description));
}

function fileItem({ path, what }: DescribedFile): string {
  return item(italic(path), prose(what));
}

function keyItems(schema: z.ZodType): string {
  return keysOf(schema)
    .map(({ name, values, defaultText, description }) => {
      const preset = defaultText === undefined ? 'Required' : `Default: ${defaultText}`;
      return item(`${bold(name)} (${plain(values)})`, prose(description), `${plain(preset)}.`);
    })
    .join('\n');
}
