import type { WantedListener, WantedPool } from '../deploying.ts';
import { monitorLines, monitorOptions } from './monitor.ts';
import { backendName, heading, host, line } from './lines.ts';

/** What a backend is made of: a pool, and the listener that uses it. */
export interface PoolUse {
  pool: WantedPool;
  listener: WantedListener;
  mode: 'http' | 'tcp';
  /** The section of the peers, who share stick tables. */
  peers: string;
  /** The addresses of clients that a stick table has to hold. */
  clients: 'ip' | 'ipv6';
}

const algorithms: ReadonlyMap<WantedPool['algorithm'], string> = new Map([
  ['ROUND_ROBIN', 'roundrobin'],
  ['LEAST_CONNECTIONS', 'leastconn'],
  ['SOURCE_IP', 'source'],
]);

/** A pool in HTTP can be reached by TCP, but not the other way round, whatever its protocol is called. */
export function modeOf(listener: WantedListener, pool: WantedPool): 'http' | 'tcp' {
  return isHttp(listener) || pool.protocol === 'HTTP' ? 'http' : 'tcp';
}

/** Whether haproxy reads the requests of a listener. */
export function isHttp({ protocol }: Pick<WantedListener, 'protocol'>): boolean {
  return protocol === 'HTTP' || protocol === 'TERMINATED_HTTPS';
}

/** Whether a backend has a stick table, which its peers share. */
export function hasStickTable({ pool, mode }: Pick<PoolUse, 'pool' | 'mode'>): boolean {
  const type = pool.persistence?.type;
  return type === 'SOURCE_IP' || (type === 'APP_COOKIE' && mode === 'http');
}

/** The section `backend` of a pool for one of the listeners that use it. */
export function backendLines(use: PoolUse): string[] {
  const { pool, listener, mode } = use;
  return [
    heading('backend', backendName(pool.id, listener.id)),
    line('mode', mode),
    line('balance', algorithms.get(pool.algorithm) ?? ''),
    ...persistenceLines(use),
    line('load-server-state-from-file', 'global'),
    ...(pool.monitor ? monitorLines(pool.monitor) : []),
    ...(mode === 'http' ? headerLines(listener) : []),
    ...(isLimited(listener) ? [line('fullconn', listener.connectionLimit)] : []),
    line('option', 'allbackups'),
    line('timeout', 'connect', 5000),
    line('timeout', 'server', 50_000),
    ...pool.members.map((member) => serverLine(use, member)),
  ];
}

/** Whether a listener has a limit of connections; null and -1 are none. */
export function isLimited<L extends Pick<WantedListener, 'connectionLimit'>>(
  listener: L,
): listener is L & { connectionLimit: number } {
  return listener.connectionLimit !== null && listener.connectionLimit > 0;
}

/** Cookies need HTTP. In TCP a pool goes without them, as haproxy would do with a warning. */
function persistenceLines({ pool, mode, peers, clients }: PoolUse): string[] {
  const { persistence } = pool;
  const table = (...type: [string, ...(string | number)[]]) =>
    line('stick-table', 'type', ...type, 'size', '10k', 'peers', peers);
  if (persistence?.type === 'SOURCE_IP') return [table(clients), line('stick', 'on', 'src')];
  if (mode === 'tcp') return [];
  if (persistence?.type === 'HTTP_COOKIE') {
    return [line('cookie', persistence.cookieName ?? 'SRV', 'insert', 'indirect', 'nocache')];
  }
  if (persistence?.type !== 'APP_COOKIE') return [];
  const name = persistence.cookieName ?? '';
  return [
    table('string', 'len', 64),
    line('stick', 'store-response', `res.cook(${name})`),
    line('stick', 'match', `req.cook(${name})`),
  ];
}

/** The headers that a listener inserts, each if its value is `true` or `True`. */
function headerLines({ protocol, insertHeaders }: WantedListener): string[] {
  const isSet = (name: string) => insertHeaders[name]?.toLowerCase() === 'true';
  const setting = (name: string, value: string) =>
    isSet(name) ? [line('http-request', 'set-header', name, value)] : [];
  return [
    ...(isSet('X-Forwarded-For') ? [line('option', 'forwardfor')] : []),
    ...setting('X-Forwarded-Port', '%[dst_port]'),
    ...setting('X-Forwarded-Proto', protocol === 'TERMINATED_HTTPS' ? 'https' : 'http'),
  ];
}

/** A disabled member stays in the file, so that it can be enabled without a reload. */
function serverLine({ pool, mode }: PoolUse, member: WantedPool['members'][number]): string {
  const { id, address, port, weight, isEnabled } = member;
  const hasCookie = pool.persistence?.type === 'HTTP_COOKIE' && mode === 'http';
  return line(
    'server',
    id,
    `${host(address)}:${port}`,
    'weight',
    weight,
    ...(pool.monitor ? monitorOptions(pool.monitor, member) : []),
    ...(hasCookie ? ['cookie', id] : []),
    ...(pool.protocol === 'PROXY' ? ['send-proxy'] : []),
    ...(isEnabled ? [] : ['disabled']),
  );
}
