import { peerName } from '../../haproxy/peer-name.ts';
import type { WantedBalancer, WantedListener, WantedNode } from '../deploying.ts';
import { backendLines, hasStickTable, isHttp, isLimited, modeOf, type PoolUse } from './backend.ts';
import { crtListName } from './certificates.ts';
import { certificatePath, serversState, statsSocket } from './places.ts';
import { chosenPools, policyLines } from './policies.ts';
import { backendName, heading, host, line } from './lines.ts';

/**
 * The haproxy.cfg of a load balancer, by the table of the operator API. One text suits haproxy 2.2, 2.6 and 3.0, and it is
 * the same on all nodes of the load balancer.
 *
 * The values have been checked when they were asked for. Here each becomes one word of haproxy, so that none adds a line or
 * an option.
 * @param wanted with one listener at least: haproxy does not start without
 * @param node the number of one of its nodes
 * @throws if the node is none of the load balancer's, and for what no check lets through (see line)
 */
export function renderHaproxy(wanted: WantedBalancer, node: number): string {
  if (!wanted.nodes.some(({ id }) => id === node)) {
    throw new Error(`Load balancer ${wanted.id} is not placed on node ${node}.`);
  }
  const uses = usesOf(wanted);
  const sections = [
    globalLines(wanted, uses),
    defaultsLines,
    ...(uses.some(hasStickTable) ? [peersLines(wanted)] : []),
    ...wanted.listeners.map((listener) => frontendLines(wanted, listener)),
    ...uses.map(backendLines),
  ];
  return sections.map((lines) => `${lines.join('\n')}\n`).join('\n');
}

/** The backends: each pool once for each listener that uses it. */
function usesOf({ id, vip, listeners, pools }: WantedBalancer): PoolUse[] {
  const byId = new Map(pools.map((pool) => [pool.id, pool]));
  const clients = vip.includes(':') ? 'ipv6' : 'ip';
  return listeners.flatMap((listener) =>
    poolsOf(listener, new Set(byId.keys())).flatMap((used): PoolUse[] => {
      const pool = byId.get(used);
      if (!pool) return [];
      return [{ pool, listener, mode: modeOf(listener, pool), peers: peersName(id), clients }];
    }),
  );
}

/** The ids of the pools that a listener uses, each once. Policies need HTTP. */
function poolsOf(listener: WantedListener, pools: ReadonlySet<string>): string[] {
  const { defaultPool } = listener;
  const chosen = isHttp(listener) ? chosenPools(listener, pools) : [];
  return [...new Set(defaultPool === null ? chosen : [defaultPool, ...chosen])];
}

function globalLines({ id, listeners }: WantedBalancer, uses: readonly PoolUse[]): string[] {
  const maxconn = maxconnOf(listeners);
  const hasPing = uses.some(({ pool }) => pool.monitor?.type === 'PING');
  return [
    heading('global'),
    line('daemon'),
    line('user', 'nobody'),
    line('log', '/run/rsyslog/octavia/log', 'local0'),
    line('log', '/run/rsyslog/octavia/log', 'local1', 'notice'),
    line('stats', 'socket', statsSocket(id), 'mode', '0666', 'level', 'user'),
    line('server-state-file', serversState(id)),
    ...(maxconn === undefined ? [] : [line('maxconn', maxconn)]),
    // haproxy 2.2 and later start no process without the second line.
    ...(hasPing ? [line('external-check'), line('insecure-fork-wanted')] : []),
  ];
}

/**
 * The kernel of Debian gives a process 1,048,576 descriptors at most (fs.nr_open), and haproxy with `option splice-…` needs
 * two and a half for each connection.
 */
const maxConnections = 400_000;

/**
 * The limit of the whole process: the sum of those of its listeners, if each has one. Otherwise haproxy chooses the limit
 * by the descriptors that it may have, so that it starts on every host. With the million of 4.1.4 it does not start unless
 * the host was prepared for it.
 */
function maxconnOf(listeners: readonly WantedListener[]): number | undefined {
  const limited = listeners.filter(isLimited);
  if (limited.length < listeners.length) return undefined;
  const sum = limited.reduce((total, { connectionLimit }) => total + connectionLimit, 0);
  return Math.min(sum, maxConnections);
}

const defaultsLines = [
  heading('defaults'),
  line('log', 'global'),
  line('retries', 3),
  line('option', 'redispatch'),
  line('option', 'splice-request'),
  line('option', 'splice-response'),
  line('option', 'http-keep-alive'),
];

/** The agent refuses the peers of another owner. */
function peersName(balancer: string): string {
  return `${balancer.replaceAll('-', '')}_peers`;
}

/**
 * The nodes, which teach each other the clients of stick tables. A process that a reload replaces teaches the new one by
 * the same way, so a single node is its own peer.
 */
function peersLines({ id, nodes, peerPort }: WantedBalancer): string[] {
  const nameOf = (node: WantedNode) => peerName(node.amphora ?? String(node.id));
  return [
    heading('peers', peersName(id)),
    ...nodes.map((node) => line('peer', nameOf(node), `${host(node.address)}:${peerPort}`)),
  ];
}

function frontendLines(
  { id: balancer, vip, pools }: WantedBalancer,
  listener: WantedListener,
): string[] {
  const { id, protocol, port, defaultPool } = listener;
  const known = new Set(pools.map((pool) => pool.id));
  const isTls = protocol === 'TERMINATED_HTTPS';
  const list = certificatePath(balancer, crtListName(id));
  // haproxy 3.0 offers HTTP/2 by itself, and the others do if they are told to.
  const tls = isTls ? ['ssl', 'crt-list', list, 'alpn', 'h2,http/1.1'] : [];
  const { conditions, answers, choices } = isHttp(listener)
    ? policyLines(listener, known)
    : { conditions: [], answers: [], choices: [] };
  return [
    heading('frontend', id),
    ...(isLimited(listener) ? [line('maxconn', listener.connectionLimit)] : []),
    line('bind', `${host(vip)}:${port}`, ...tls),
    line('mode', isHttp(listener) ? 'http' : 'tcp'),
    line('option', isHttp(listener) ? 'httplog' : 'tcplog'),
    ...conditions,
    ...answers,
    ...(isTls ? ['    redirect scheme https if !{ ssl_fc }'] : []),
    ...choices,
    ...(defaultPool !== null && known.has(defaultPool)
      ? [line('default_backend', backendName(defaultPool, id))]
      : []),
    line('timeout', 'client', 50_000),
  ];
}
