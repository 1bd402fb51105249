import { isIP } from 'node:net';

import { z } from 'zod';

import { defaultKeeping } from '../changes/audit/audit-files.ts';
import { Fault, systemErrorCode } from './fault.ts';
import { readTextIfThere } from './files/files.ts';
import { configFile } from './paths.ts';

/** The port on which a host receives liferafts unless it is configured otherwise. */
export const defaultPeerPort = 8444;

const port = z.number().int().min(1).max(65535);
const absolutePath = z.string().regex(/^\//, 'expected an absolute path');
const address = z
  .string()
  .refine((text) => isIP(text) !== 0, 'expected an IP address, such as "192.0.2.1", or null');

/** The keys of the configuration. ha-agent.json(5) and the table in the README are made from it. */
export const configSchema = z
  .strictObject({
    https_address: address
      .nullable()
      .default(null)
      .describe('Address to listen on with HTTPS; null means all addresses, of IPv6 too.'),
    https_port: port.default(8443).describe('Port for HTTPS.'),
    http_address: address
      .nullable()
      .default(null)
      .describe('Address to listen on with plain HTTP; null means all addresses.'),
    http_port: port
      .nullable()
      .default(null)
      .describe('Port for plain HTTP; null turns plain HTTP off.'),
    socket: absolutePath
      .default('/run/ha-agent/api.sock')
      .describe('Unix socket of the API, for root alone and without a token.'),
    tls_certificate: absolutePath
      .nullable()
      .default(null)
      .describe(
        'PEM file with your own certificate; null means that the agent makes one. A replaced file is used within a minute.',
      ),
    tls_key: absolutePath
      .nullable()
      .default(null)
      .describe('PEM file with the key of tls_certificate; set both or neither.'),
    state_directory: absolutePath
      .default('/var/lib/ha-agent')
      .describe(
        "Folder for tokens, the audit log, the agent's own certificate, what undoes changes, and answers to repeated requests.",
      ),
    runtime_directory: absolutePath
      .default('/run/ha-agent')
      .describe('Folder for files that are needed only while the agent runs.'),
    read_deadline_seconds: z
      .number()
      .min(1)
      .max(120)
      .default(10)
      .describe('Seconds after which a command that only reads is ended.'),
    change_deadline_seconds: z
      .number()
      .min(5)
      .max(3600)
      .default(120)
      .describe(
        'Seconds to wait for a command that changes something, or for the cluster to follow it.',
      ),
    require_confirmation: z
      .boolean()
      .default(false)
      .describe('Whether requests that cannot be undone have to be confirmed by a second one.'),
    audit_max_bytes: z
      .number()
      .int()
      .min(1024 * 1024)
      .max(1024 ** 3)
      .default(defaultKeeping.maxBytes)
      .describe('Size of the audit log in bytes at which a new file is begun.'),
    audit_keep_files: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .default(defaultKeeping.keepFiles)
      .describe('How many closed files of the audit log are kept; each covers at most 30 days.'),
    undo_keep: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .default(1000)
      .describe('How many changes of the CIB are kept so that they can be undone.'),
    peer_address: address
      .nullable()
      .default(null)
      .describe('Address to receive liferafts on; null means all addresses.'),
    peer_port: port.default(defaultPeerPort).describe('Port to receive liferafts on.'),
    liferaft_keep: z
      .number()
      .int()
      .min(1)
      .max(100)
      .default(5)
      .describe('How many generations of the liferaft of a host are kept, including the latest.'),
    liferaft_keep_hours: z
      .number()
      .int()
      .min(0)
      .max(168)
      .default(24)
      .describe('For how many hours one generation an hour is kept as well.'),
    liferaft_keep_days: z
      .number()
      .int()
      .min(0)
      .max(366)
      .default(7)
      .describe('For how many days one generation a day is kept as well.'),
    liferaft_most_bytes: z
      .number()
      .int()
      .min(1024 * 1024)
      .default(1024 ** 3)
      .describe('Maximum size in bytes of a liferaft that is received.'),
    max_connections: z
      .number()
      .int()
      .min(16)
      .max(8192)
      .default(512)
      .describe(
        'Maximum number of connections from the network with a token; one token may have half of them.',
      ),
    max_unauthenticated_connections: z
      .number()
      .int()
      .min(16)
      .max(4096)
      .default(512)
      .describe(
        'Maximum number of connections without a token yet; one address may have a quarter of them.',
      ),
    max_requests: z
      .number()
      .int()
      .min(16)
      .max(8192)
      .default(512)
      .describe(
        'Maximum number of requests under way from the network; one token may have half of them.',
      ),
    powered_by: z
      .string()
      .regex(/^[\x20-\x7e]+$/, 'expected printable ASCII text')
      .default('OpenDrives')
      .describe('Value of the header X-Powered-By.'),
    log_level: z
      .enum(['debug', 'info', 'warn', 'error', 'silent'])
      .default('info')
      .describe('How much goes to the journal; debug has a line for each command and request.'),
  })
  .refine((config) => (config.tls_certificate === null) === (config.tls_key === null), {
    path: ['tls_key'],
    message: 'expected tls_certificate and tls_key together, or neither',
  });

export type Config = Readonly<z.output<typeof configSchema>>;

export const environmentPrefix = 'HA_AGENT_';
/** Names the file itself, so it is not one of its keys. */
export const fileVariable = 'HA_AGENT_CONFIG';

/**
 * The configuration: defaults, over them the file, over it the environment, where `HA_AGENT_HTTPS_PORT`
 * is the key `https_port`. Checked whole, once.
 * @throws Fault `invalid_config` with each wrong key's place and what was expected there
 */
export async function loadConfig(environment: NodeJS.ProcessEnv): Promise<Config> {
  const file = environment[fileVariable] ?? configFile;
  const fromFile = parseFile(file, await textOf(file));
  const fromEnvironment = Object.fromEntries(
    Object.entries(environment)
      .filter(([name]) => name.startsWith(environmentPrefix) && name !== fileVariable)
      .map(([name, text]) => [
        name.slice(environmentPrefix.length).toLowerCase(),
        valueOf(text ?? ''),
      ]),
  );
  const result = configSchema.safeParse({ ...fromFile, ...fromEnvironment });
  if (result.success) return Object.freeze(result.data);

  const problems = result.error.issues.flatMap((issue) => {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [issue.path.join('.')];
    const problem =
      issue.code === 'unrecognized_keys'
        ? `unknown key; expected one of ${Object.keys(configSchema.shape).join(', ')}`
        : issue.message;
    return keys.map((key) => {
      const place =
        key in fromEnvironment ? environmentPrefix + key.toUpperCase() : `${file}: ${key}`;
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
    // A caller without permission gets the system's own error.
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

/** A variable's text as JSON has it: 8443 is a number, null is null, the rest is a string. */
function valueOf(text: string): unknown {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  const words: Record<string, unknown> = { null: null, true: true, false: false };
  return Object.hasOwn(words, text) ? words[text] : text;
}
