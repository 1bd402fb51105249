import type {
  NewListener,
  NewLoadBalancer,
  NewMember,
  NewMonitor,
  NewPolicy,
  NewPool,
  NewRule,
} from '../../../src/balancer/domain.ts';

// What requests with the fewest fields become.

export const anyone = { tenant: undefined };
export const network = '6e000000-0000-4000-8000-000000000001';

export function aBalancer(given: Partial<NewLoadBalancer> = {}): NewLoadBalancer {
  return {
    project: 'p1',
    vip: { network },
    name: null,
    description: null,
    isEnabled: true,
    listeners: [],
    ...given,
  };
}

export function aListener(port: number, given: Partial<NewListener> = {}): NewListener {
  return {
    name: null,
    description: null,
    isEnabled: true,
    protocol: 'HTTP',
    port,
    connectionLimit: null,
    tlsRef: null,
    sniRefs: [],
    defaultPool: null,
    insertHeaders: {},
    termination: null,
    policies: [],
    ...given,
  };
}

export function aPool(given: Partial<NewPool> = {}): NewPool {
  return {
    name: null,
    description: null,
    isEnabled: true,
    protocol: 'HTTP',
    algorithm: 'ROUND_ROBIN',
    persistence: null,
    members: [],
    monitor: null,
    ...given,
  };
}

export function aMember(address: string, given: Partial<NewMember> = {}): NewMember {
  return {
    address,
    port: 80,
    weight: 1,
    subnet: null,
    isEnabled: true,
    monitorAddress: null,
    monitorPort: null,
    ...given,
  };
}

export function aMonitor(given: Partial<NewMonitor> = {}): NewMonitor {
  return {
    type: 'HTTP',
    delay: 5,
    timeout: 2,
    fallThreshold: 3,
    riseThreshold: 2,
    httpMethod: 'GET',
    urlPath: '/',
    expectedCodes: '200',
    isEnabled: true,
    ...given,
  };
}

export function aPolicy(given: Partial<NewPolicy> = {}): NewPolicy {
  return {
    name: null,
    description: null,
    isEnabled: true,
    action: 'REJECT',
    redirectPool: null,
    redirectUrl: null,
    redirectPrefix: null,
    position: undefined,
    rules: [],
    ...given,
  };
}

export function aRule(given: Partial<NewRule> = {}): NewRule {
  return {
    type: 'PATH',
    compareType: 'STARTS_WITH',
    key: null,
    value: '/api',
    isInverted: false,
    ...given,
  };
}
