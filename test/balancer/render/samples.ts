import type {
  WantedBalancer,
  WantedListener,
  WantedPolicy,
  WantedPool,
} from '../../../src/balancer/deploying.ts';

/** An id that tells which object it is. */
export function idOf(kind: number, number: number): string {
  return `${String(kind).padStart(8, '0')}-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

const [listenerId, poolId] = [idOf(2, 1), idOf(3, 1)];

export const monitor = {
  type: 'HTTP',
  delay: 5,
  timeout: 3,
  fallThreshold: 2,
  riseThreshold: 4,
  httpMethod: 'GET',
  urlPath: '/health',
  expectedCodes: '200,202-204',
} satisfies WantedPool['monitor'];

export function member(number: number, more: Partial<WantedPool['members'][number]> = {}) {
  return {
    id: idOf(4, number),
    address: `10.0.0.${number}`,
    port: 8080,
    weight: 1,
    isEnabled: true,
    monitorAddress: null,
    monitorPort: null,
    ...more,
  };
}

export function pool(more: Partial<WantedPool> = {}): WantedPool {
  return {
    id: poolId,
    protocol: 'HTTP',
    algorithm: 'ROUND_ROBIN',
    persistence: null,
    members: [member(1), member(2)],
    monitor,
    ...more,
  };
}

export function listener(more: Partial<WantedListener> = {}): WantedListener {
  return {
    id: listenerId,
    protocol: 'HTTP',
    port: 80,
    connectionLimit: null,
    insertHeaders: {},
    defaultPool: poolId,
    certificates: [],
    policies: [],
    ...more,
  };
}

export function balancer(
  listeners: readonly WantedListener[],
  pools: readonly WantedPool[],
  more: Partial<WantedBalancer> = {},
): WantedBalancer {
  return {
    id: idOf(1, 1),
    vip: '192.0.2.10',
    peerPort: 10_025,
    nodes: [
      { id: 1, address: '10.1.0.1', amphora: idOf(9, 1) },
      { id: 2, address: '10.1.0.2', amphora: idOf(9, 2) },
    ],
    listeners,
    pools,
    ...more,
  };
}

function rule(number: number, more: Partial<WantedPolicy['rules'][number]>) {
  return {
    id: idOf(6, number),
    type: 'PATH' as const,
    compareType: 'STARTS_WITH' as const,
    key: null,
    value: '/',
    isInverted: false,
    ...more,
  };
}

function policy(number: number, more: Partial<WantedPolicy>): WantedPolicy {
  return {
    id: idOf(5, number),
    action: 'REJECT',
    redirectPool: null,
    redirectUrl: null,
    redirectPrefix: null,
    rules: [],
    ...more,
  };
}

/** 20 policies of all actions, with rules of all types and comparisons. */
function policies(): WantedPolicy[] {
  const types = ['HOST_NAME', 'PATH', 'HEADER', 'COOKIE', 'FILE_TYPE'] as const;
  const comparisons = ['REGEX', 'STARTS_WITH', 'ENDS_WITH', 'CONTAINS', 'EQUAL_TO'] as const;
  const actions: Partial<WantedPolicy>[] = [
    { action: 'REDIRECT_TO_POOL', redirectPool: idOf(3, 2) },
    { action: 'REJECT' },
    { action: 'REDIRECT_TO_URL', redirectUrl: 'https://www.example.com/a%20b?c=d#e' },
    { action: 'REDIRECT_PREFIX', redirectPrefix: 'https://www.example.com' },
  ];
  return Array.from({ length: 20 }, (_, index) => {
    const type = types[index % 5] ?? 'PATH';
    const compareType =
      type === 'FILE_TYPE' ? 'EQUAL_TO' : (comparisons[(index + 1) % 5] ?? 'REGEX');
    const value =
      type === 'FILE_TYPE' ? 'jpg' : ['/a b', '-f', 'x#y', String.raw`"q'\d`][index % 4];
    return policy(index, {
      ...actions[Math.floor(index / 5)],
      rules: [
        rule(2 * index, {
          type,
          compareType,
          value: value ?? '',
          key: type === 'HEADER' ? 'X-Tenant' : type === 'COOKIE' ? 'site' : null,
        }),
        ...(index % 3 === 0 ? [rule(2 * index + 1, { value: '/static', isInverted: true })] : []),
      ],
    });
  });
}

const withMonitor = (more: Partial<NonNullable<WantedPool['monitor']>>) =>
  balancer([listener()], [pool({ monitor: { ...monitor, ...more } })]);

/** A load balancer for each feature, by its name. */
export const samples: Readonly<Record<string, WantedBalancer>> = {
  http: balancer([listener()], [pool()]),
  'https-passed-through': balancer(
    [listener({ protocol: 'HTTPS', port: 443 })],
    [pool({ protocol: 'HTTPS', monitor: { ...monitor, type: 'TLS-HELLO' } })],
  ),
  'terminated-https-sni': balancer(
    [
      listener({
        protocol: 'TERMINATED_HTTPS',
        port: 443,
        certificates: [
          { id: idOf(7, 1), pem: '' },
          { id: idOf(7, 2), pem: '' },
        ],
        insertHeaders: { 'X-Forwarded-Proto': 'true' },
      }),
    ],
    [pool()],
  ),
  'proxy-in-tcp': balancer([listener({ protocol: 'TCP' })], [pool({ protocol: 'PROXY' })]),
  'proxy-in-http': balancer([listener()], [pool({ protocol: 'PROXY' })]),
  'http-in-tcp': balancer([listener({ protocol: 'TCP' })], [pool()]),
  'least-connections': balancer([listener()], [pool({ algorithm: 'LEAST_CONNECTIONS' })]),
  'source-ip': balancer([listener()], [pool({ algorithm: 'SOURCE_IP' })]),
  'persistence-http-cookie': balancer(
    [listener()],
    [pool({ persistence: { type: 'HTTP_COOKIE', cookieName: null } })],
  ),
  'persistence-named-cookie': balancer(
    [listener()],
    [pool({ persistence: { type: 'HTTP_COOKIE', cookieName: 'a#b' } })],
  ),
  'persistence-source-ip': balancer(
    [listener()],
    [pool({ persistence: { type: 'SOURCE_IP', cookieName: null } })],
  ),
  'persistence-app-cookie': balancer(
    [listener()],
    [pool({ persistence: { type: 'APP_COOKIE', cookieName: 'JSESSIONID' } })],
  ),
  'persistence-on-one-node': balancer(
    [listener({ protocol: 'TCP' })],
    [pool({ protocol: 'TCP', persistence: { type: 'SOURCE_IP', cookieName: null } })],
    { nodes: [{ id: 1, address: '10.1.0.1', amphora: idOf(9, 1) }] },
  ),
  'monitor-http': withMonitor({ httpMethod: 'HEAD', urlPath: String.raw`/a b#"c'\d` }),
  'monitor-https': withMonitor({ type: 'HTTPS' }),
  'monitor-tcp': withMonitor({ type: 'TCP' }),
  'monitor-tls-hello': withMonitor({ type: 'TLS-HELLO' }),
  'monitor-ping': withMonitor({ type: 'PING' }),
  'monitor-none': balancer([listener()], [pool({ monitor: null })]),
  'monitor-elsewhere': balancer(
    [listener()],
    [
      pool({
        members: [
          member(1, { monitorAddress: '10.9.0.1', monitorPort: 8081 }),
          member(2, { monitorAddress: '2001:db8::9' }),
        ],
      }),
    ],
  ),
  l7: balancer(
    [listener({ policies: policies() })],
    [pool(), pool({ id: idOf(3, 2), members: [member(3)] })],
  ),
  ipv6: balancer(
    [listener()],
    [
      pool({
        persistence: { type: 'SOURCE_IP', cookieName: null },
        members: [member(1, { address: '2001:db8:1::1' }), member(2)],
      }),
    ],
    {
      vip: '2001:db8::10',
      nodes: [
        { id: 1, address: '2001:db8:2::1', amphora: idOf(9, 1) },
        { id: 2, address: '2001:db8:2::2', amphora: idOf(9, 2) },
      ],
    },
  ),
  limits: balancer(
    [
      listener({ connectionLimit: 100 }),
      listener({ id: idOf(2, 2), port: 81, connectionLimit: 50 }),
    ],
    [pool()],
  ),
  'limit-on-one': balancer(
    [
      listener({ connectionLimit: 100 }),
      listener({ id: idOf(2, 2), port: 81, connectionLimit: -1 }),
    ],
    [pool()],
  ),
  'limits-too-large': balancer([listener({ connectionLimit: 1_000_000 })], [pool()]),
  'insert-headers': balancer(
    [
      listener({
        insertHeaders: {
          'X-Forwarded-For': 'true',
          'X-Forwarded-Port': 'True',
          'X-Forwarded-Proto': 'false',
        },
      }),
    ],
    [pool()],
  ),
  'disabled-member': balancer([listener()], [pool({ members: [member(1, { isEnabled: false })] })]),
  'weight-0': balancer(
    [listener()],
    [pool({ members: [member(1, { weight: 0 }), member(2, { weight: 256 })] })],
  ),
  'no-members': balancer([listener()], [pool({ members: [] })]),
  'no-pool': balancer([listener({ defaultPool: null })], []),
};
