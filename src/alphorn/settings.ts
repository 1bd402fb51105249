import { isIP, isIPv6 } from 'node:net';
import { dirname } from 'node:path';

import * as z from 'zod';

import { Fault, type FieldError } from '../kit/fault.ts';
import { makeFolder, readTextIfThere, replaceFile } from '../kit/files/files.ts';
import { defaultPeerPort } from './config.ts';

/** The settings of Alphorn, with the keys of their file. */
export interface Settings {
  /** Milliseconds between two looks at all files of the liferaft. */
  interval: number;
  sync: {
    enabled: boolean;
    /** Addresses or names, each with a port if it is not the default one. */
    destinations: readonly string[];
  };
}

/** A host that a liferaft is sent to. */
export interface Destination {
  /** An address without brackets, or a name. */
  host: string;
  port: number;
}

/** The settings of a new installation. */
export const defaultSettings: Settings = {
  interval: 30_000,
  sync: { enabled: false, destinations: [] },
};

const maxDestinations = 100;
/** The maximum for a timer of Node.js; a longer one fires at once. */
const maxInterval = 2_147_483_647;

const destinationExpected =
  'must be an address or a name, with or without a port, such as "192.0.2.7", "backup.example:8444" or "[2001:db8::7]:8444"';
const destination = z
  .string({ error: destinationExpected })
  .refine((text) => destinationOf(text) !== undefined, destinationExpected);

/** The keys of Alphorn's settings. ha-agent.json(5) is made from it. */
export const settingsSchema = z.strictObject(
  {
    interval: z
      .number({ error: 'must be a number of milliseconds' })
      .int({ error: 'must be a whole number of milliseconds' })
      .min(1000, 'must be at least 1000 milliseconds')
      .max(maxInterval, `must be at most ${maxInterval} milliseconds`)
      .describe('Milliseconds between two checks of all files of the liferaft.'),
    sync: z.strictObject(
      {
        enabled: z
          .boolean({ error: 'must be true or false' })
          .describe('Whether this host sends its liferaft.'),
        destinations: z
          .array(destination, { error: 'must be an array of addresses or names' })
          .max(maxDestinations, `must be at most ${maxDestinations}`)
          .superRefine((all, context) => {
            const known = new Set<string>();
            for (const [index, text] of all.entries()) {
              const key = JSON.stringify(destinationOf(text));
              if (known.has(key)) {
                const message = 'must not be there twice';
                context.addIssue({ code: 'custom', path: [index], message });
              }
              known.add(key);
            }
          })
          .describe(
            'Addresses or names of the hosts to send it to, each with a port if that is not 8444.',
          ),
      },
      { error: objectExpected('"enabled" and "destinations"') },
    ),
  },
  { error: objectExpected('"interval" and "sync"') },
);

/** The message for a value that is no object. An unknown key has a message of its own. */
function objectExpected(keys: string) {
  return ({ code }: { code?: string | undefined }) =>
    code === 'invalid_type' ? `must be an object of ${keys}` : undefined;
}

/**
 * Checks settings from a file or a request: they must have each of the keys, and no other.
 * @returns the settings, or what is wrong with them
 */
export function checkSettings(
  value: unknown,
): { settings: Settings; errors?: never } | { settings?: never; errors: FieldError[] } {
  const result = settingsSchema.safeParse(value);
  if (result.success) return { settings: result.data };
  const errors = result.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => wrong([...issue.path, key], 'is not a key of these settings'))
      : [wrong(issue.path, issue.message)],
  );
  function wrong(path: readonly PropertyKey[], message: string): FieldError {
    return { field: fieldOf(path), message, type: typeOf(valueAt(value, path)) };
  }
  return { errors };
}

/**
 * Reads the settings of this host; the defaults if there is no such file.
 * Faults: `alphorn_settings_invalid`
 */
export async function readSettings(path: string): Promise<Settings> {
  const text = await readTextIfThere(path);
  if (text === undefined) return defaultSettings;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw settingsInvalid(path, 'It is no JSON.');
  }
  const { settings, errors } = checkSettings(json);
  if (settings) return settings;
  const problems = errors.map(({ field, message }) => `'${field}' ${message}.`);
  throw settingsInvalid(path, problems.join(' '));
}

/** Replaces the settings by others that were checked. Faults: `no_space` */
export async function writeSettings(path: string, { interval, sync }: Settings): Promise<void> {
  const { enabled, destinations } = sync;
  await makeFolder(dirname(path));
  const text = JSON.stringify({ interval, sync: { enabled, destinations } }, null, 2);
  await replaceFile(path, `${text}\n`, 0o644);
}

/**
 * Reads the text of a destination: `ADDRESS` or `NAME`, either with `:PORT`; an IPv6 address with a port is in brackets
 * (RFC 3986, section 3.2.2). Names follow RFC 1123, section 2.1, and are returned in small letters.
 * @returns undefined if the text is no destination
 */
export function destinationOf(text: string): Destination | undefined {
  if (isIP(text) !== 0) return { host: plainAddress(text), port: defaultPeerPort };
  const [, bracketed, plain, portText] =
    /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const port = portText === undefined ? defaultPeerPort : Number(portText);
  if (port < 1 || port > 65_535) return undefined;
  if (bracketed !== undefined) {
    return isIPv6(bracketed) ? { host: plainAddress(bracketed), port } : undefined;
  }
  if (plain === undefined) return undefined;
  if (isIP(plain) !== 0) return { host: plain, port };
  return isHostName(plain) ? { host: plain.toLowerCase(), port } : undefined;
}

/** One spelling for each address: for IPv6 the one of RFC 5952, which URLs use. A zone stays as it is. */
function plainAddress(address: string): string {
  if (!isIPv6(address)) return address;
  const [plain = '', zone] = address.split('%');
  const shortest = new URL(`http://[${plain}]`).hostname.slice(1, -1);
  return zone === undefined ? shortest : `${shortest}%${zone}`;
}

function isHostName(text: string): boolean {
  const labels = text.split('.');
  return (
    text.length <= 253 &&
    labels.every((label) => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i.test(label)) &&
    // A name like 192.168.7 would be taken for an address.
    /[a-z]/i.test(labels.at(-1) ?? '')
  );
}

function fieldOf(path: readonly PropertyKey[]): string {
  return path
    .map((key, index) => {
      if (typeof key === 'number') return `[${key}]`;
      return index === 0 ? String(key) : `.${String(key)}`;
    })
    .join('');
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inside, key) => (inside as Partial<Record<PropertyKey, unknown>>)[key],
    value,
  );
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function settingsInvalid(path: string, what: string): Fault {
  return new Fault(
    'alphorn_settings_invalid',
    `${path} is wrong. ${what} Correct it, or write new settings.`,
  );
}
