import { isIP, isIPv4, isIPv6 } from 'node:net';

import { Fault, type FieldError } from '../../kit/fault.ts';
import { hostAndPort } from '../../kit/addresses.ts';
import {
  type OsloProblemKind,
  type OsloSections,
  osloValue,
  parseOsloConfig,
} from '../../parsers/oslo-config.ts';
import { makeReader } from './values.ts';

/** A place where a controller receives heartbeats. */
export interface Controller {
  address: string;
  port: number;
}

/** What takes effect as soon as it is uploaded. */
export interface MutableAgentConfig {
  /** `controller_ip_port_list`; may be empty. */
  controllers: readonly Controller[];
  /** Seconds. */
  heartbeatInterval: number;
  /** Undefined only if there are no controllers. */
  heartbeatKey: string | undefined;
  topology: 'SINGLE' | 'ACTIVE_STANDBY';
}

/** amphora-agent.conf, with the defaults of octavia/common/config.py. */
export interface AgentConfig extends MutableAgentConfig {
  /** `base_path` */
  basePath: string;
  /** `base_cert_dir` */
  certificates: string;
  bindHost: string;
  bindPort: number;
  /** `haproxy_cmd` */
  haproxy: string;
  /** `agent_server_ca` */
  serverCa: string;
  /** `agent_server_cert` */
  serverCertificate: string;
  amphoraId: string;
  /** `agent_request_read_timeout`, in seconds. */
  requestReadTimeout: number;
  /** `agent_tls_protocol`. Older versions than 1.2 mean 1.2. */
  minTlsVersion: 'TLSv1.2' | 'TLSv1.3';
}

/**
 * Reads amphora-agent.conf by the rules of oslo.config. Keys that this agent does not know are ignored, because each
 * version of the controller has some of its own.
 * Faults: `agent_config_refused` with all problems in `errors`; it never has a value of a key
 */
export function readAgentConfig(bytes: Buffer): AgentConfig {
  const sections = sectionsOf(bytes);
  const { text, number, path, choice, errors } = makeReader(sections);
  const haproxy = 'haproxy_amphora';
  const agent = 'amphora_agent';
  const health = 'health_manager';
  const controllers = controllersIn(osloValue(sections, health, 'controller_ip_port_list'), errors);
  const config: AgentConfig = {
    basePath: path(haproxy, 'base_path', '/var/lib/octavia'),
    certificates: path(haproxy, 'base_cert_dir', '/var/lib/octavia/certs'),
    bindHost: text(haproxy, 'bind_host', '::', (value) => isIP(value) !== 0, 'an IP address'),
    bindPort: number(haproxy, 'bind_port', 9443, 1, 65_535),
    haproxy: path(haproxy, 'haproxy_cmd', usual.haproxy),
    controllers,
    heartbeatInterval: number(health, 'heartbeat_interval', 10, 1, 86_400),
    heartbeatKey:
      text(
        health,
        'heartbeat_key',
        '',
        (value) => value !== '' || controllers.length === 0,
        ['the key of the heartbeats', 'because controller_ip_port_list has receivers'].join(', '),
      ) || undefined,
    serverCa: path(agent, 'agent_server_ca', '/etc/octavia/certs/client_ca.pem'),
    serverCertificate: path(agent, 'agent_server_cert', '/etc/octavia/certs/server.pem'),
    amphoraId: text(agent, 'amphora_id', '', isAmphoraId, 'the id of this amphora'),
    requestReadTimeout: number(
      agent,
      'agent_request_read_timeout',
      usual.requestReadTimeout,
      1,
      86_400,
    ),
    minTlsVersion:
      choice(agent, 'agent_tls_protocol', tlsVersions) === 'TLSv1.3' ? 'TLSv1.3' : 'TLSv1.2',
    topology: choice('controller_worker', 'loadbalancer_topology', topologies),
  };
  if (errors.length > 0) throw refused(errors);
  return config;
}

/** The keys that are checked and have no effect here, if they have another value than a controller usually writes. */
export function ignoredKeys({ haproxy, requestReadTimeout }: AgentConfig): string[] {
  return [
    ...(haproxy === usual.haproxy ? [] : ['haproxy_amphora.haproxy_cmd']),
    ...(requestReadTimeout === usual.requestReadTimeout
      ? []
      : ['amphora_agent.agent_request_read_timeout']),
  ];
}

/** The defaults of what has no effect: the units run the haproxy of the host, and the port has limits of its own. */
const usual = { haproxy: '/usr/sbin/haproxy', requestReadTimeout: 180 } as const;

/** The first is the default (constants.TLS_ALL_VERSIONS of octavia-lib). */
const tlsVersions = ['TLSv1.2', 'TLSv1.3', 'TLSv1.1', 'TLSv1', 'SSLv3'] as const;
const topologies = ['SINGLE', 'ACTIVE_STANDBY'] as const;

/** A UUID in OpenStack; on a node of ha-controller the name of the node, which may have dots. */
function isAmphoraId(value: string): boolean {
  return /^[\w.-]{1,64}$/.test(value);
}

function sectionsOf(bytes: Buffer): OsloSections {
  const text = bytes.toString('utf8');
  if (!Buffer.from(text, 'utf8').equals(bytes)) {
    throw refused([{ field: 'file', message: 'must be UTF-8', type: 'bytes' }]);
  }
  const { sections, problems } = parseOsloConfig(text);
  if (problems.length > 0) {
    throw refused(
      problems.slice(0, maxProblems).map(({ line, kind }) => ({
        field: `line ${line}`,
        message: meaning[kind],
        type: 'text',
      })),
    );
  }
  if (sections.size > 0) return sections;
  const message = 'must have sections such as [amphora_agent]; it has none';
  throw refused([{ field: 'file', message, type: 'text' }]);
}

const maxProblems = 10;

const meaning: Readonly<Record<OsloProblemKind, string>> = {
  'no separator': "must have '=' or ':' between a key and its value",
  'empty key': "must have a key before '=' or ':'",
  'unexpected continuation': 'must not begin with a blank, because there is no value to continue',
  'section without end': "must end with ']'",
  'section without name': "must have a name between '[' and ']'",
  'setting before section': 'must come after the line of its section',
};

/** `ADDRESS:PORT, …`, with an IPv6 address in brackets (`controller_ip_port_list` of octavia/common/config.py). */
function controllersIn(value: string | undefined, errors: FieldError[]): Controller[] {
  if (value === undefined || value.trim() === '') return [];
  const entries = value.split(',').map((entry) => controllerOf(entry.trim()));
  const controllers = entries.filter((each) => each !== undefined);
  if (controllers.length < entries.length) {
    errors.push({
      field: 'health_manager.controller_ip_port_list',
      message: `must be a list such as 10.0.0.1:5555, ${hostAndPort('fd00::1', 5555)}; entry ${entries.indexOf(undefined) + 1} is not`,
      type: 'string',
    });
  }
  return controllers;
}

function controllerOf(entry: string): Controller | undefined {
  const colon = entry.lastIndexOf(':');
  const host = entry.slice(0, Math.max(0, colon));
  const digits = entry.slice(colon + 1);
  const port = Number(digits);
  if (!/^\d{1,5}$/.test(digits) || port < 1 || port > 65_535) return undefined;
  if (isIPv4(host)) return { address: host, port };
  const address = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : '';
  return isIPv6(address) ? { address, port } : undefined;
}

/** The refusal of a configuration, which names each problem. */
export function refused(errors: readonly FieldError[]): Fault {
  const list = errors.map(({ field, message }) => `${field} ${message}`).join('; ');
  return new Fault(
    'agent_config_refused',
    `The agent goes on with the configuration that it has, because this one cannot be used: ${list}. Correct it, then send it again.`,
    { errors },
  );
}
