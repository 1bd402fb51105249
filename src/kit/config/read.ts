import type * as z from 'zod';

import { Fault, systemErrorCode } from '../fault.ts';
import { readTextIfThere } from '../files/files.ts';
import { configFile } from '../paths.ts';

/** Where a configuration is read from. */
export interface ConfigSource {
  file: string;
  /** The environment overrides the file: this and the name of a key in capitals is a variable. */
  prefix: string;
  /** The variable that names another file. It is not one of the keys. */
  fileVariable: string;
}

export const environmentPrefix = 'HA_AGENT_';
export const fileVariable = 'HA_AGENT_CONFIG';

/** The configuration of the agent. */
const agentSource: ConfigSource = { file: configFile, prefix: environmentPrefix, fileVariable };

/**
 * Reads and checks the configuration. The file overrides the defaults, and the environment overrides the file:
 * `HA_AGENT_HTTPS_PORT` is the key `https_port`. A section or a list is JSON there.
 * @param schema all sections together
 * @param known the names that may be used
 * @throws Fault `invalid_config` with the place of each wrong key and what was expected there
 */
export async function readConfig<T extends object>(
  schema: z.ZodType<T>,
  known: readonly string[],
  environment: NodeJS.ProcessEnv,
  source: ConfigSource = agentSource,
): Promise<Readonly<T>> {
  const { prefix } = source;
  const file = environment[source.fileVariable] ?? source.file;
  const fromFile = parseFile(file, await textOf(file));
  const fromEnvironment = Object.fromEntries(
    Object.entries(environment)
      .filter(([name]) => name.startsWith(prefix) && name !== source.fileVariable)
      .map(([name, text]) => [name.slice(prefix.length).toLowerCase(), valueOf(text ?? '')]),
  );
  const result = schema.safeParse({ ...fromFile, ...fromEnvironment });
  if (result.success) return Object.freeze(result.data);

  const problems = result.error.issues.flatMap((issue) => {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [issue.path.join('.')];
    const problem =
      issue.code === 'unrecognized_keys'
        ? `unknown key; expected one of ${known.join(', ')}`
        : issue.message;
    return keys.map((key) => {
      const place = key in fromEnvironment ? prefix + key.toUpperCase() : `${file}: ${key}`;
      return `${place}: ${problem}`;
    });
  });
  throw new Fault('invalid_config', `The configuration is wrong.\n${problems.join('\n')}`);
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readTextIfThere(file);
  } catch (error) {
    const code = systemErrorCode(error);
    // Without permission, the caller gets the system's own error.
    if (code === undefined || code === 'EACCES') throw error;
    throw new Fault(
      'invalid_config',
      `${file} cannot be read: ${(error as Error).message}. Put a file with a JSON object there, such as {"https_port": 8443}, or nothing.`,
    );
  }
}

function parseFile(file: string, text: string | undefined): Record<string, unknown> {
  if (text === undefined) return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Fault('invalid_config', `${file}: expected JSON. ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Fault(
      'invalid_config',
      `${file}: expected a JSON object, such as {"https_port": 8443}.`,
    );
  }
  return value as Record<string, unknown>;
}

/** The JSON value of a variable's text: 8443 is a number, null is null, the rest is a string. */
function valueOf(text: string): unknown {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  const literals: Record<string, unknown> = { null: null, true: true, false: false };
  if (Object.hasOwn(literals, text)) return literals[text];
  return /^[{[]/.test(text) ? jsonOr(text) : text;
}

/** A section or a list. What is no JSON is a text, which the schema refuses with its place. */
function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
