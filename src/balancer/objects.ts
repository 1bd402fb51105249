/** The family's name in rows that all families of the controller share. */
export const family = 'balancer';

/** Where a change of an object stands. The statuses and their words are those of the documented API. */
export type ProvisioningStatus =
  'ACTIVE' | 'PENDING_CREATE' | 'PENDING_UPDATE' | 'PENDING_DELETE' | 'ERROR' | 'DELETED';

/** What the nodes say of an object. NO_MONITOR and DRAINING are statuses of members. */
export type OperatingStatus =
  'ONLINE' | 'OFFLINE' | 'DEGRADED' | 'ERROR' | 'NO_MONITOR' | 'DRAINING';

/** What every object has. */
export interface Common {
  /** A UUID in lower case. */
  id: string;
  /** Any text of at most 36 characters. */
  project: string;
  provisioning: ProvisioningStatus;
  operating: OperatingStatus;
  /** UTC without a zone and in whole seconds, such as 2026-11-28T16:31:14. */
  createdAt: string;
  /** Null until the first change. */
  updatedAt: string | null;
}

export interface Described {
  name: string | null;
  description: string | null;
  isEnabled: boolean;
}

export interface Vip {
  port: string;
  network: string;
  subnet: string;
  address: string;
}

export interface LoadBalancer extends Common, Described {
  vip: Vip;
  /** Grows with each accepted change of the load balancer or of what is below it. */
  revision: number;
}

export const listenerProtocols = ['TCP', 'HTTP', 'HTTPS', 'TERMINATED_HTTPS'] as const;
export type ListenerProtocol = (typeof listenerProtocols)[number];

export interface ListenerSettings extends Described {
  protocol: ListenerProtocol;
  port: number;
  /** Null and -1 mean no limit; the answer shows which of both was sent. */
  connectionLimit: number | null;
  /** What a client has sent for its certificate: a UUID, or a URL whose last part is one. */
  tlsRef: string | null;
  sniRefs: readonly string[];
  defaultPool: string | null;
  /** Names of X-Forwarded-For, -Port and -Proto; `'true'` or `'True'` sets one. */
  insertHeaders: Readonly<Record<string, string>>;
}

export interface Listener extends Common, ListenerSettings {
  loadBalancer: string;
}

export const poolProtocols = ['TCP', 'HTTP', 'HTTPS', 'PROXY'] as const;
export type PoolProtocol = (typeof poolProtocols)[number];
export const algorithms = ['LEAST_CONNECTIONS', 'SOURCE_IP', 'ROUND_ROBIN'] as const;
export type Algorithm = (typeof algorithms)[number];
export const persistenceTypes = ['HTTP_COOKIE', 'SOURCE_IP', 'APP_COOKIE'] as const;

export interface Persistence {
  type: (typeof persistenceTypes)[number];
  cookieName: string | null;
}

export interface PoolSettings extends Described {
  protocol: PoolProtocol;
  algorithm: Algorithm;
  persistence: Persistence | null;
}

export interface Pool extends Common, PoolSettings {
  loadBalancer: string;
}

export interface MemberSettings {
  address: string;
  port: number;
  /** 0 to 256; 0 drains it. */
  weight: number;
  subnet: string | null;
  isEnabled: boolean;
  monitorAddress: string | null;
  monitorPort: number | null;
}

export interface Member extends Common, MemberSettings {
  pool: string;
}

export const monitorTypes = ['PING', 'TCP', 'HTTP', 'HTTPS', 'TLS-HELLO'] as const;

/** A pool has one or none. */
export interface MonitorSettings {
  type: (typeof monitorTypes)[number];
  /** Seconds between two checks. */
  delay: number;
  /** Seconds, not more than `delay`. */
  timeout: number;
  fallThreshold: number;
  riseThreshold: number;
  httpMethod: string;
  urlPath: string;
  /** Codes and ranges, such as `200,202-204`. */
  expectedCodes: string;
  isEnabled: boolean;
}

export interface Monitor extends MonitorSettings {
  pool: string;
  project: string;
  provisioning: ProvisioningStatus;
  createdAt: string;
  updatedAt: string | null;
}

export const policyActions = [
  'REDIRECT_TO_POOL',
  'REDIRECT_TO_URL',
  'REJECT',
  'REDIRECT_PREFIX',
] as const;

export interface PolicySettings extends Described {
  action: (typeof policyActions)[number];
  redirectPool: string | null;
  redirectUrl: string | null;
  redirectPrefix: string | null;
  /** From 1 on. A new one is inserted there, and those behind it move. */
  position: number;
}

export interface Policy extends Common, PolicySettings {
  listener: string;
}

export const ruleTypes = ['HOST_NAME', 'PATH', 'FILE_TYPE', 'HEADER', 'COOKIE'] as const;
export const compareTypes = ['REGEX', 'STARTS_WITH', 'ENDS_WITH', 'CONTAINS', 'EQUAL_TO'] as const;

export interface RuleSettings {
  type: (typeof ruleTypes)[number];
  compareType: (typeof compareTypes)[number];
  /** The name of the header or cookie. */
  key: string | null;
  value: string;
  isInverted: boolean;
}

export interface Rule extends Common, RuleSettings {
  policy: string;
}

export const quotaKinds = [
  'load_balancer',
  'listener',
  'pool',
  'member',
  'health_monitor',
] as const;
export type QuotaKind = (typeof quotaKinds)[number];
/** -1 means no limit. */
export type Quota = Readonly<Record<QuotaKind, number>>;

/** Sums over the nodes since the object was made. */
export interface Statistics {
  bytesIn: number;
  bytesOut: number;
  activeConnections: number;
  totalConnections: number;
  requestErrors: number;
}
