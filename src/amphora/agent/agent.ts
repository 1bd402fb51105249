import { createHash, X509Certificate } from 'node:crypto';

import { makeSerializer } from '../../kit/concurrency/serialize.ts';
import type { FieldError } from '../../kit/fault.ts';
import { readFileIfThere, replaceFile } from '../../kit/files/files.ts';
import type { AmphoraAgent } from '../amphora.ts';
import type { AmphoraPaths } from '../paths.ts';
import { readAgentCertificate } from './certificate.ts';
import { type AgentConfig, ignoredKeys, readAgentConfig, refused } from './config.ts';

/** What became of an uploaded configuration. */
export interface ConfigChange {
  /** What is in effect now: the new values of what takes effect at once, and the former ones of the rest. */
  config: AgentConfig;
  /** The keys that take effect only when the agent starts again, such as `haproxy_amphora.bind_port`. */
  afterRestart: readonly string[];
  /** The keys that have no effect, now or later. */
  ignored: readonly string[];
}

interface Parts {
  paths: Pick<AmphoraPaths, 'agentConfig'>;
  /** The configuration with which the agent started. */
  config: AgentConfig;
  /** Called after the file is in place. */
  onConfigured: (change: ConfigChange) => void | Promise<void>;
  /** Called after the file is in place, with the certificate and the key of the next connection. */
  onCertified: (pem: Buffer) => void | Promise<void>;
  /** The clock, in milliseconds. */
  now?: () => number;
}

/** The files of the agent itself. Both are replaced whole, after a check. */
export function makeAmphoraAgent({
  paths,
  config: started,
  onConfigured,
  onCertified,
  now = Date.now,
}: Parts): AmphoraAgent {
  const oneByOne = makeSerializer();
  return {
    configure: (bytes) =>
      oneByOne(async () => {
        const next = readAgentConfig(bytes);
        refuseOtherPlaces(started, next);
        await refuseOtherTrust(started, next, now());
        await replaceFile(paths.agentConfig, bytes, 0o600);
        await onConfigured(changeTo(started, next));
        return uploaded(bytes);
      }),
    certify: (bytes) =>
      oneByOne(async () => {
        readAgentCertificate(bytes, started.amphoraId, now());
        await replaceFile(started.serverCertificate, bytes, 0o600);
        await onCertified(bytes);
        return uploaded(bytes);
      }),
  };
}

/** The keys that take effect only at a start. */
const keys = {
  bindHost: 'haproxy_amphora.bind_host',
  bindPort: 'haproxy_amphora.bind_port',
  serverCa: 'amphora_agent.agent_server_ca',
  serverCertificate: 'amphora_agent.agent_server_cert',
  minTlsVersion: 'amphora_agent.agent_tls_protocol',
} as const satisfies Partial<Record<keyof AgentConfig, string>>;

/** Another value would make the agent lose what is on the host: the files of the owners lie where these keys say. */
const fixed = {
  basePath: 'haproxy_amphora.base_path',
  certificates: 'haproxy_amphora.base_cert_dir',
  amphoraId: 'amphora_agent.amphora_id',
} as const satisfies Partial<Record<keyof AgentConfig, string>>;

function refuseOtherPlaces(from: AgentConfig, to: AgentConfig): void {
  const errors = namesOf(fixed, from, to).map((field): FieldError => ({
    field,
    message:
      'must stay as it is, because what this amphora serves depends on it; to change it, stop the agent, and edit the file',
    type: 'string',
  }));
  if (errors.length > 0) throw refused(errors);
}

/**
 * After its next start, an agent would not come up without these files, and nobody could send it other ones. So they have
 * to be there before they are named.
 */
async function refuseOtherTrust(from: AgentConfig, to: AgentConfig, now: number): Promise<void> {
  const changed = (key: 'serverCa' | 'serverCertificate') => from[key] !== to[key];
  const errors: FieldError[] = [];
  const wrong = (field: string, expected: string) =>
    errors.push({ field, message: `must be the path of ${expected} on this host`, type: 'string' });
  if (changed('serverCa') && !isAuthority(await readIfPossible(to.serverCa))) {
    wrong(keys.serverCa, 'the certificate of an authority');
  }
  if (changed('serverCertificate')) {
    const pem = await readIfPossible(to.serverCertificate);
    if (!isOwnCertificate(pem, to, now)) wrong(keys.serverCertificate, 'a certificate of the API');
  }
  if (errors.length > 0) throw refused(errors);
}

/** Without the reason: it would tell what is on the host. */
async function readIfPossible(path: string): Promise<Buffer> {
  return (await readFileIfThere(path).catch(() => undefined)) ?? Buffer.alloc(0);
}

function isAuthority(pem: Buffer): boolean {
  try {
    return new X509Certificate(pem).ca;
  } catch {
    return false;
  }
}

function isOwnCertificate(pem: Buffer, { amphoraId }: AgentConfig, now: number): boolean {
  try {
    readAgentCertificate(pem, amphoraId, now);
    return true;
  } catch {
    return false;
  }
}

function changeTo(from: AgentConfig, to: AgentConfig): ConfigChange {
  const { controllers, heartbeatInterval, heartbeatKey, topology } = to;
  return {
    config: { ...from, controllers, heartbeatInterval, heartbeatKey, topology },
    afterRestart: namesOf(keys, from, to),
    ignored: ignoredKeys(to),
  };
}

function namesOf<K extends keyof AgentConfig>(
  names: Readonly<Record<K, string>>,
  from: AgentConfig,
  to: AgentConfig,
): string[] {
  return (Object.keys(names) as K[])
    .filter((key) => from[key] !== to[key])
    .map((key) => names[key]);
}

/** Not for security: the documents want it. */
function uploaded(bytes: Buffer) {
  return { md5: createHash('md5').update(bytes).digest('hex') };
}
