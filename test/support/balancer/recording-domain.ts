import type { BalancerDomain } from '../../../src/balancer/domain.ts';

/** A call that reached the domain. */
export interface DomainCall {
  /** Such as `listeners.create`. */
  name: string;
  args: readonly unknown[];
}

const uuid = '11111111-1111-4111-8111-111111111111';
const common = {
  id: uuid,
  project: 'blue',
  provisioning: 'PENDING_CREATE',
  operating: 'OFFLINE',
  createdAt: '2026-11-28T16:31:14',
  updatedAt: null,
  name: null,
  description: null,
  isEnabled: true,
};
const loadBalancer = {
  ...common,
  vip: { port: uuid, network: uuid, subnet: uuid, address: '192.0.2.1' },
  revision: 1,
};
const listener = {
  ...common,
  loadBalancer: uuid,
  protocol: 'HTTP',
  port: 80,
  connectionLimit: null,
  tlsRef: null,
  sniRefs: [],
  defaultPool: null,
  insertHeaders: {},
};
const pool = {
  ...common,
  loadBalancer: uuid,
  protocol: 'HTTP',
  algorithm: 'ROUND_ROBIN',
  persistence: null,
};
const member = {
  ...common,
  pool: uuid,
  address: '10.0.0.1',
  port: 80,
  weight: 1,
  subnet: null,
  monitorAddress: null,
  monitorPort: null,
};
const monitor = {
  ...common,
  pool: uuid,
  type: 'TCP',
  delay: 1,
  timeout: 1,
  fallThreshold: 1,
  riseThreshold: 1,
  httpMethod: 'GET',
  urlPath: '/',
  expectedCodes: '200',
};
const policy = {
  ...common,
  listener: uuid,
  action: 'REJECT',
  redirectPool: null,
  redirectUrl: null,
  redirectPrefix: null,
  position: 1,
};
const rule = {
  ...common,
  policy: uuid,
  type: 'HEADER',
  compareType: 'EQUAL_TO',
  key: 'X-A',
  value: 'a',
  isInverted: false,
};
const quota = { load_balancer: -1, listener: -1, member: -1, pool: -1, health_monitor: -1 };
const port = {
  id: uuid,
  network: uuid,
  subnet: uuid,
  address: '192.0.2.1',
  owner: null,
  project: 'blue',
  createdAt: common.createdAt,
};
const secret = {
  id: uuid,
  fingerprint: 'f',
  subject: 's',
  names: [],
  expiresAt: 'e',
  updatedAt: 'u',
};

const answers: Readonly<Record<string, unknown>> = {
  loadBalancers: loadBalancer,
  'loadBalancers.create': { loadBalancer, listeners: [] },
  listeners: listener,
  'listeners.create': { listener, policies: [] },
  pools: pool,
  'pools.create': { pool, members: [] },
  members: member,
  monitors: monitor,
  policies: policy,
  'policies.create': { policy, rules: [] },
  rules: rule,
  quotas: quota,
  ports: port,
  secrets: secret,
};

/**
 * A domain that accepts everything, and records what it was asked. For tests of what routes refuse before they ask the
 * domain, and of what they ask it.
 */
export function recordingDomain(): { domain: BalancerDomain; calls: DomainCall[] } {
  const calls: DomainCall[] = [];
  const part = (group: string) =>
    new Proxy(
      {},
      {
        get: (_target, method) => {
          const name = `${group}.${String(method)}`;
          if (name === 'quotas.defaults') return () => quota;
          return (...args: unknown[]) => {
            calls.push({ name, args });
            const made = answers[name] ?? answers[group];
            return Promise.resolve(method === 'list' ? [made] : made);
          };
        },
      },
    );
  const domain = new Proxy({}, { get: (_target, group) => part(String(group)) });
  return { domain: domain as BalancerDomain, calls };
}

/** The calls that would change something. */
export function changesIn(calls: readonly DomainCall[]): string[] {
  return calls
    .map(({ name }) => name)
    .filter((name) => /\.(create|change|remove|set|reset|put|repair|failover|drain)$/.test(name));
}
