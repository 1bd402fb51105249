/** The folders that controllers write into haproxy.cfg, from amphora-agent.conf, and the owner of the file. */
export interface DriverConfigPlace {
  /** The id of the owner: of a listener in API 0.1 and 0.5, else of a load balancer. */
  id: string;
  /** `base_path` */
  base: string;
  /** `base_cert_dir` */
  certificates: string;
}

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
  /** The names of all backends that the frontend may use, the default one among them. */
  backends: readonly string[];
  maxconn?: number | undefined;
}

/** A backend, which is a pool. */
export interface DriverBackend {
  /** As in the file: `POOL:LISTENER`, or `POOL` in API 0.5. */
  name: string;
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

/** A line that no driver writes. It has no text of the file, which may hold secrets. */
export interface DriverConfigProblem {
  /** Counted from 1. */
  line: number;
  /** The directive, out of a fixed list, and what is wrong with it. */
  reason: string;
}

/** The haproxy.cfg of a driver. */
export interface DriverConfig {
  frontends: readonly DriverFrontend[];
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
  /** Whether the file has the proxies `prometheus-exporter-internal*`, which are no listeners. */
  hasPrometheusExporter: boolean;
  problems: readonly DriverConfigProblem[];
}

/**
 * Whether a proxy is one of those that a driver adds for a listener of protocol PROMETHEUS. They are no listeners and
 * no pools, so nobody reports them.
 * @param name of a frontend or backend
 */
export function isInternalProxy(name: string): boolean {
  return name.startsWith('prometheus-exporter-internal');
}

/**
 * Reads the haproxy.cfg of a driver, and compares each line with what drivers write. What no driver writes is a
 * problem, because a controller may write what its tenants made up (OSSA-2026-039).
 * @param text as it was uploaded
 */
export function readDriverConfig(text: string, place: DriverConfigPlace): DriverConfig {
  return {
    frontends: [],
    backends: [],
    peers: [],
    certificates: [],
    statsSocket: `${place.base}/${place.id}.sock`,
    hasPrometheusExporter: false,
    problems: text === '' ? [{ line: 1, reason: 'The file is empty' }] : [],
  };
}
