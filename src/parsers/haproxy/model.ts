import type { ConfigSection } from './config.ts';
import { isInternalProxy } from './vocabulary/prometheus.ts';

/** A frontend, which is a listener. */
export interface DriverFrontend {
  /** The id of the listener. */
  id: string;
  /** The line that begins it, counted from 1. */
  line: number;
  mode: 'http' | 'tcp';
  /** Whether a bind terminates TLS. */
  isTls: boolean;
  /** The name of the backend for what no L7 policy takes; absent if the listener has no default pool. */
  defaultBackend?: string | undefined;
  /** The names of all backends that the frontend may use, the default one among them, each once. */
  backends: readonly string[];
  maxconn?: number | undefined;
}

/** A backend, which is a pool. */
export interface DriverBackend {
  /** As in the file: `POOL:LISTENER`, or `POOL` in API 0.5. */
  name: string;
  /** The line that begins it, counted from 1. */
  line: number;
  /** The id of the pool. */
  pool: string;
  /** The id of the listener, if the name has it. */
  listener?: string | undefined;
  mode: 'http' | 'tcp';
  servers: readonly DriverServer[];
  /** Whether a server has `check`. */
  hasCheck: boolean;
}

/** A server, which is a member. */
export interface DriverServer {
  /** The id of the member. */
  id: string;
  hasCheck: boolean;
  isBackup: boolean;
  /** Whether it is `disabled`. */
  isDisabled: boolean;
  weight?: number | undefined;
}

/** A section `peers`. */
export interface DriverPeers {
  name: string;
  peers: readonly { name: string; address: string }[];
}

/** What a haproxy.cfg of a driver sets up. */
export interface DriverModel {
  /** The listeners, without the proxies of isInternalProxy. */
  frontends: readonly DriverFrontend[];
  /** The pools, without the proxies of isInternalProxy. */
  backends: readonly DriverBackend[];
  peers: readonly DriverPeers[];
  /** The `maxconn` of the section `global`. */
  maxconn?: number | undefined;
  /** The path of the stats socket. */
  statsSocket?: string | undefined;
  /** The `server-state-file` of the section `global`. */
  stateFile?: string | undefined;
  /** The entries of `tune.ssl.cachesize`. */
  tlsCacheEntries?: number | undefined;
  /** The paths of certificates, crt-lists, CAs and CRLs, each once, in file order. */
  certificates: readonly string[];
  /** Whether the file has the proxies of isInternalProxy. */
  hasPrometheusExporter: boolean;
}

/** The options whose argument is a file of the folder of certificates. */
const fileOptions = new Set(['crt', 'crt-list', 'ca-file', 'crl-file']);

/**
 * What the sections of a haproxy.cfg set up. It is right for a file without problems; of others it has what it
 * understands.
 */
export function modelOf(sections: readonly ConfigSection[]): DriverModel {
  const global = sections.filter(({ keyword }) => keyword === 'global');
  const isNamed = (wanted: string) =>
    sections.filter(({ keyword, args }) => keyword === wanted && !isInternalProxy(args[0] ?? ''));
  const files = sections.flatMap(({ lines }) =>
    lines.flatMap(({ tokens: [keyword, ...args] }) =>
      keyword === 'bind' || keyword === 'server'
        ? args.filter((_, index) => fileOptions.has(args[index - 1] ?? ''))
        : [],
    ),
  );
  return {
    frontends: isNamed('frontend').map(frontendOf),
    backends: isNamed('backend').map(backendOf),
    peers: sections.filter(({ keyword }) => keyword === 'peers').map(peersOf),
    maxconn: numberOf(valueOf(global, 'maxconn')),
    statsSocket: valueOf(global, 'stats', 2),
    stateFile: valueOf(global, 'server-state-file'),
    tlsCacheEntries: numberOf(valueOf(global, 'tune.ssl.cachesize')),
    certificates: [...new Set(files)],
    hasPrometheusExporter: sections.some(({ args }) => isInternalProxy(args[0] ?? '')),
  };
}

function frontendOf(section: ConfigSection): DriverFrontend {
  const defaultBackend = valueOf([section], 'default_backend');
  const chosen = linesOf([section], 'use_backend').flatMap(([, name]) => name ?? []);
  return {
    id: section.args[0] ?? '',
    line: section.line,
    mode: modeOf(section),
    isTls: linesOf([section], 'bind').some((tokens) => tokens.includes('ssl')),
    defaultBackend,
    backends: [...new Set(defaultBackend === undefined ? chosen : [...chosen, defaultBackend])],
    maxconn: numberOf(valueOf([section], 'maxconn')),
  };
}

function backendOf(section: ConfigSection): DriverBackend {
  const name = section.args[0] ?? '';
  const [pool = name, listener] = name.split(':');
  const servers = linesOf([section], 'server').map(serverOf);
  return {
    name,
    line: section.line,
    pool,
    listener,
    mode: modeOf(section),
    servers,
    hasCheck: servers.some(({ hasCheck }) => hasCheck),
  };
}

function serverOf([, id = '', , ...options]: readonly string[]): DriverServer {
  const weight = options.indexOf('weight');
  return {
    id,
    hasCheck: options.includes('check'),
    isBackup: options.includes('backup'),
    isDisabled: options.includes('disabled'),
    weight: weight < 0 ? undefined : numberOf(options[weight + 1]),
  };
}

function peersOf(section: ConfigSection): DriverPeers {
  return {
    name: section.args[0] ?? '',
    peers: linesOf([section], 'peer').map(([, name = '', address = '']) => ({ name, address })),
  };
}

/** haproxy's own default is tcp. */
function modeOf(section: ConfigSection): 'http' | 'tcp' {
  return valueOf([section], 'mode') === 'http' ? 'http' : 'tcp';
}

function linesOf(sections: readonly ConfigSection[], keyword: string): (readonly string[])[] {
  return sections.flatMap(({ lines }) =>
    lines.filter(({ tokens }) => tokens[0] === keyword).map(({ tokens }) => tokens),
  );
}

/** A word of the last line with a directive, which is the one that counts. */
function valueOf(
  sections: readonly ConfigSection[],
  keyword: string,
  position = 1,
): string | undefined {
  return linesOf(sections, keyword).at(-1)?.[position];
}

function numberOf(word: string | undefined): number | undefined {
  return word !== undefined && /^\d{1,15}$/.test(word) ? Number(word) : undefined;
}
