import { isIP } from 'node:net';

import { z } from 'zod';

import { defaultKeeping } from './audit-files.ts';
import { Fault, systemErrorCode } from './errors.ts';
import { readTextIfThere } from './files.ts';
import { configFile } from './paths.ts';

/** Where liferafts come in on a host that says nothing else. */
export const defaultPeerPort = 8444;

const port = z.number().int().min(1).max(65535);
const absolutePath = z.string().regex(/^\//, 'expected an absolute path');
const address = z
  .string()
  .refine((text) => isIP(text) !== 0, 'expected an IP address, such as "192.0.2.1", or null');

const schema = z
  .strictObject({
    /** Null: all addresses, of IPv6 too where the host has it. */
    https_address: address.nullable().default(null),
    https_port: port.default(8443),
    http_address: address.nullable().default(null),
    /** Plain HTTP is off unless this is set. */
    http_port: port.nullable().default(null),
    /** Served to root alone, without a token. */
    socket: absolutePath.default('/run/ha-agent/api.sock'),
    /** PEM files of your own certificate; without them one is made and kept in `state_directory`. */
    tls_certificate: absolutePath.nullable().default(null),
    tls_key: absolutePath.nullable().default(null),
    state_directory: absolutePath.default('/var/lib/ha-agent'),
    /** For what need not outlive the agent. */
    runtime_directory: absolutePath.default('/run/ha-agent'),
    /** Seconds until a tool that reads is taken for hung. */
    read_deadline_seconds: z.number().min(1).max(120).default(10),
    /** Seconds for which a tool that changes something, or the cluster that follows it, is waited for. */
    change_deadline_seconds: z.number().min(5).max(3600).default(120),
    /** Whether what cannot be undone has to be confirmed. */
    require_confirmation: z.boolean().default(false),
    /** Bytes of the audit log's file after which a new one is begun. */
    audit_max_bytes: z
      .number()
      .int()
      .min(1024 * 1024)
      .max(1024 ** 3)
      .default(defaultKeeping.maxBytes),
    /** How many closed files of the audit log are kept; each has 30 days at most. */
    audit_keep_files: z.number().int().min(1).max(1000).default(defaultKeeping.keepFiles),
    /** How many changes of the CIB are kept such that they can be taken back. */
    undo_keep: z.number().int().min(1).max(10_000).default(1000),
    /** Where liferafts come in; null is all addresses. */
    peer_address: address.nullable().default(null),
    peer_port: port.default(defaultPeerPort),
    /** How many liferafts of a host are kept, the latest among them. */
    liferaft_keep: z.number().int().min(1).max(100).default(5),
    /** For how many hours one of them an hour is kept beside these, and for how many days one a day. */
    liferaft_keep_hours: z.number().int().min(0).max(168).default(24),
    liferaft_keep_days: z.number().int().min(0).max(366).default(7),
    /** Bytes of a liferaft that is received at most. */
    liferaft_most_bytes: z
      .number()
      .int()
      .min(1024 * 1024)
      .default(1024 ** 3),
    /** Connections of callers with a token, by the network; half of them by one token. */
    max_connections: z.number().int().min(16).max(8192).default(512),
    /** Connections on which no token was shown yet; a quarter of them from one address. */
    max_unauthenticated_connections: z.number().int().min(16).max(4096).default(512),
    /** Requests under way by the network; half of them by one token. */
    max_requests: z.number().int().min(16).max(8192).default(512),
    powered_by: z
      .string()
      .regex(/^[\x20-\x7e]+$/, 'expected printable ASCII text')
      .default('OpenDrives'),
    log_level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  })
  .refine((config) => (config.tls_certificate === null) === (config.tls_key === null), {
    path: ['tls_key'],
    message: 'expected tls_certificate and tls_key together, or neither',
  });

export type Config = Readonly<z.output<typeof schema>>;

const environmentPrefix = 'HA_AGENT_';
/** Names the file itself, so it is not one of its keys. */
const fileVariable = 'HA_AGENT_CONFIG';

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
  const result = schema.safeParse({ ...fromFile, ...fromEnvironment });
  if (result.success) return Object.freeze(result.data);

  const problems = result.error.issues.flatMap((issue) => {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [issue.path.join('.')];
    const problem =
      issue.code === 'unrecognized_keys'
        ? `unknown key; expected one of ${Object.keys(schema.shape).join(', ')}`
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
