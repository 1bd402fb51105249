import { isIP } from 'node:net';

import type {
  WantedBalancer,
  WantedListener,
  WantedPool,
} from '../../../src/balancer/deploying.ts';
import { readConfig, type ConfigSection } from '../../../src/parsers/haproxy/config.ts';

// What a file says, as values that can be compared with the tree it was made of. Every word of every line is used: what is
// left over is reported, so that nothing more can be in a file.

type Tokens = readonly string[];

/** Lines that each file has, or each section of a kind. */
const constant: Readonly<Record<string, Tokens>> = {
  global: [
    'daemon',
    'user nobody',
    'log /run/rsyslog/octavia/log local0',
    'log /run/rsyslog/octavia/log local1 notice',
  ],
  defaults: [
    'log global',
    'retries 3',
    'option redispatch',
    'option splice-request',
    'option splice-response',
    'option http-keep-alive',
  ],
  frontend: ['timeout client 50000'],
  backend: [
    'load-server-state-from-file global',
    'option allbackups',
    'timeout connect 5000',
    'timeout server 50000',
  ],
  peers: [],
};

export interface ReadSection {
  kind: string;
  name: string;
  /** The lines without the constant ones, each as its tokens. */
  lines: readonly Tokens[];
}

/**
 * The sections of a file with what differs from file to file.
 * @throws if a line cannot be read, or if a constant line is missing
 */
export function sectionsOf(text: string): ReadSection[] {
  const { sections, problems } = readConfig(text);
  if (problems.length > 0) throw new Error(`line ${problems[0]?.line}: ${problems[0]?.kind}`);
  return sections.map(withoutConstants);
}

function withoutConstants({ keyword, args, lines }: ConfigSection): ReadSection {
  const left = lines.map(({ tokens }) => [...tokens]);
  for (const expected of constant[keyword] ?? []) {
    const at = left.findIndex((tokens) => tokens.join(' ') === expected);
    if (at < 0) throw new Error(`section ${keyword} lacks: ${expected}`);
    left.splice(at, 1);
  }
  return { kind: keyword, name: args.join(' '), lines: left };
}

const compare = {
  REGEX: 'reg',
  STARTS_WITH: 'beg',
  ENDS_WITH: 'end',
  CONTAINS: 'sub',
  EQUAL_TO: 'str',
};
const balance = new Map([
  ['ROUND_ROBIN', 'roundrobin'],
  ['LEAST_CONNECTIONS', 'leastconn'],
  ['SOURCE_IP', 'source'],
]);

const isHttp = ({ protocol }: WantedListener) =>
  protocol === 'HTTP' || protocol === 'TERMINATED_HTTPS';
const limitOf = ({ connectionLimit: limit }: WantedListener) =>
  limit === null || limit <= 0 ? [] : [limit];

/**
 * The sections that a tree should become, from its values alone, each line as its tokens before anything is escaped.
 * @param peers the names of the nodes' peers
 */
export function expectedSections(wanted: WantedBalancer, peers: Tokens): ReadSection[] {
  const { id, listeners, pools, nodes, peerPort } = wanted;
  const uses = listeners.flatMap((listener) =>
    poolsUsed(listener, pools).map((pool) => ({ listener, pool })),
  );
  const folder = `/var/lib/octavia/${id}`;
  const limits = listeners.flatMap(limitOf);
  const sum = Math.min(
    400_000,
    limits.reduce((total, limit) => total + limit, 0),
  );
  const hasPing = uses.some(({ pool }) => pool.monitor?.type === 'PING');
  const hasTable = uses.some(({ pool, listener }) => tableOf(wanted, listener, pool).length > 0);
  return [
    {
      kind: 'global',
      name: '',
      lines: [
        ['stats', 'socket', `${folder}.sock`, 'mode', '0666', 'level', 'user'],
        ['server-state-file', `${folder}/servers-state`],
        ...(limits.length === listeners.length ? [['maxconn', String(sum)]] : []),
        ...(hasPing ? [['external-check'], ['insecure-fork-wanted']] : []),
      ],
    },
    { kind: 'defaults', name: '', lines: [] },
    ...(hasTable
      ? [
          {
            kind: 'peers',
            name: peersOf(wanted),
            lines: nodes.map((node, index) => [
              'peer',
              peers[index] ?? '',
              `${inBrackets(node.address)}:${peerPort}`,
            ]),
          },
        ]
      : []),
    ...listeners.map((listener) => frontendOf(wanted, listener)),
    ...uses.map(({ listener, pool }) => backendOf(wanted, listener, pool)),
  ];
}

const inBrackets = (address: string) => (isIP(address) === 6 ? `[${address}]` : address);

function peersOf({ id }: WantedBalancer): string {
  return `${id.split('-').join('')}_peers`;
}

function poolsUsed(listener: WantedListener, pools: readonly WantedPool[]): WantedPool[] {
  const chosen = listener.policies.filter(
    ({ action, rules }) => isHttp(listener) && action === 'REDIRECT_TO_POOL' && rules.length > 0,
  );
  const ids = new Set([listener.defaultPool, ...chosen.map(({ redirectPool }) => redirectPool)]);
  return [...ids].flatMap((id) => pools.filter((pool) => pool.id === id));
}

function frontendOf(wanted: WantedBalancer, listener: WantedListener): ReadSection {
  const { id, protocol, port, policies, defaultPool } = listener;
  const isThere = (pool: string | null) => wanted.pools.some((each) => each.id === pool);
  const isTls = protocol === 'TERMINATED_HTTPS';
  const list = `/var/lib/octavia/certs/${wanted.id}/${id}.pem`;
  const used = policies.filter(
    ({ action, rules, redirectPool }) =>
      isHttp(listener) &&
      rules.length > 0 &&
      (action !== 'REDIRECT_TO_POOL' || isThere(redirectPool)),
  );
  const ifAll = ({ rules }: (typeof used)[number]) => [
    'if',
    ...rules.map((rule) => (rule.isInverted ? '!' : '') + rule.id),
  ];
  const format = (target: string | null) => (target ?? '').split('%').join('%%');
  const answers = used.map((policy, index): Tokens => {
    const { action, redirectUrl, redirectPrefix } = policy;
    if (action === 'REJECT') return ['http-request', 'deny', ...ifAll(policy)];
    if (action === 'REDIRECT_TO_POOL') {
      const isBefore = used.slice(index).some((later) => later.action !== 'REDIRECT_TO_POOL');
      return isBefore ? ['http-request', 'allow', ...ifAll(policy)] : [];
    }
    const [how, target] =
      action === 'REDIRECT_TO_URL' ? ['location', redirectUrl] : ['prefix', redirectPrefix];
    return ['http-request', 'redirect', how, format(target), ...ifAll(policy)];
  });
  return {
    kind: 'frontend',
    name: id,
    lines: [
      ...limitOf(listener).map((limit) => ['maxconn', String(limit)]),
      [
        'bind',
        `${inBrackets(wanted.vip)}:${port}`,
        ...(isTls ? ['ssl', 'crt-list', list, 'alpn', 'h2,http/1.1'] : []),
      ],
      ['mode', isHttp(listener) ? 'http' : 'tcp'],
      ['option', isHttp(listener) ? 'httplog' : 'tcplog'],
      ...used.flatMap(({ rules }) => rules.map(aclOf)),
      ...answers.filter((tokens) => tokens.length > 0),
      ...(isTls ? ['redirect scheme https if !{ ssl_fc }'.split(' ')] : []),
      ...used
        .filter(({ action }) => action === 'REDIRECT_TO_POOL')
        .map((each) => ['use_backend', `${each.redirectPool}:${id}`, ...ifAll(each)]),
      ...(isThere(defaultPool) ? [['default_backend', `${defaultPool}:${id}`]] : []),
    ],
  };
}

function aclOf(rule: WantedListener['policies'][number]['rules'][number]): Tokens {
  const isSuffix = rule.type === 'FILE_TYPE' && rule.compareType === 'EQUAL_TO';
  const value = isSuffix ? `.${rule.value}` : rule.value;
  const sample = {
    HOST_NAME: ['req.hdr(host)', '-i'],
    PATH: ['path'],
    HEADER: [`req.hdr(${rule.key})`],
    COOKIE: [`req.cook(${rule.key})`],
    FILE_TYPE: [isSuffix ? 'path' : 'path,field(-1,/),field(-1,.)'],
  }[rule.type];
  const match = isSuffix ? 'end' : compare[rule.compareType];
  return ['acl', rule.id, ...sample, '-m', match, ...(value.startsWith('-') ? ['--'] : []), value];
}

function tableOf(wanted: WantedBalancer, listener: WantedListener, pool: WantedPool): Tokens {
  const clients = wanted.vip.includes(':') ? 'ipv6' : 'ip';
  const type = pool.persistence?.type;
  if (type === 'SOURCE_IP') return [clients];
  const hasCookies = isHttp(listener) || pool.protocol === 'HTTP';
  return type === 'APP_COOKIE' && hasCookies ? ['string', 'len', '64'] : [];
}

function backendOf(
  wanted: WantedBalancer,
  listener: WantedListener,
  pool: WantedPool,
): ReadSection {
  const { monitor, persistence } = pool;
  const hasHttp = isHttp(listener) || pool.protocol === 'HTTP';
  const table = tableOf(wanted, listener, pool);
  const name = persistence?.cookieName ?? 'SRV';
  const hasCookie = hasHttp && persistence?.type === 'HTTP_COOKIE';
  const stick =
    persistence?.type === 'SOURCE_IP'
      ? [['stick', 'on', 'src']]
      : [
          ['stick', 'store-response', `res.cook(${name})`],
          ['stick', 'match', `req.cook(${name})`],
        ];
  const set = (header: string) => ['true', 'True'].includes(listener.insertHeaders[header] ?? '');
  const proto = listener.protocol === 'TERMINATED_HTTPS' ? 'https' : 'http';
  const header = (title: string, value: string) =>
    hasHttp && set(title) ? [['http-request', 'set-header', title, value]] : [];
  return {
    kind: 'backend',
    name: `${pool.id}:${listener.id}`,
    lines: [
      ['mode', hasHttp ? 'http' : 'tcp'],
      ['balance', balance.get(pool.algorithm) ?? ''],
      ...(table.length > 0
        ? [['stick-table', 'type', ...table, 'size', '10k', 'peers', peersOf(wanted)], ...stick]
        : []),
      ...(hasCookie ? [['cookie', name, 'insert', 'indirect', 'nocache']] : []),
      ...(monitor ? checkOf(monitor) : []),
      ...(hasHttp && set('X-Forwarded-For') ? [['option', 'forwardfor']] : []),
      ...header('X-Forwarded-Port', '%[dst_port]'),
      ...header('X-Forwarded-Proto', proto),
      ...limitOf(listener).map((limit) => ['fullconn', String(limit)]),
      ...pool.members.map((member) => [
        ...['server', member.id, `${inBrackets(member.address)}:${member.port}`],
        ...['weight', String(member.weight)],
        ...(monitor ? checkOptions(monitor, member) : []),
        ...(hasCookie ? ['cookie', member.id] : []),
        ...(pool.protocol === 'PROXY' ? ['send-proxy'] : []),
        ...(member.isEnabled ? [] : ['disabled']),
      ]),
    ],
  };
}

function checkOf(monitor: NonNullable<WantedPool['monitor']>): Tokens[] {
  const { type, timeout, httpMethod, urlPath, expectedCodes } = monitor;
  const codes = expectedCodes.split(',').flatMap((part) => {
    const [from = '', to = from] = part.split('-');
    const all: string[] = [];
    for (let code = Number(from); code <= Number(to); code += 1) all.push(String(code));
    return all;
  });
  const http = [
    ['option', 'httpchk', httpMethod, urlPath],
    ['http-check', 'expect', 'rstatus', [...new Set(codes)].join('|')],
  ];
  const ping = ['external-check', 'command', '/var/lib/octavia/ping-wrapper.sh'];
  const lines = {
    HTTP: http,
    HTTPS: http,
    TCP: [],
    'TLS-HELLO': [['option', 'ssl-hello-chk']],
    PING: [['option', 'external-check'], ping],
  };
  return [['timeout', 'check', `${timeout}s`], ...lines[type]];
}

function checkOptions(
  monitor: NonNullable<WantedPool['monitor']>,
  { monitorAddress, monitorPort }: WantedPool['members'][number],
): Tokens {
  const { type, delay, fallThreshold, riseThreshold } = monitor;
  return [
    ...(type === 'HTTPS' ? ['check', 'check-ssl', 'verify', 'none'] : ['check']),
    ...['inter', `${delay}s`, 'fall', String(fallThreshold), 'rise', String(riseThreshold)],
    ...(monitorAddress === null ? [] : ['addr', inBrackets(monitorAddress)]),
    ...(monitorPort === null ? [] : ['port', String(monitorPort)]),
  ];
}
