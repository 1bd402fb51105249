import type { BalancerNode, Orphan, Port, Secret } from './grounds.ts';
import type {
  Listener,
  ListenerSettings,
  LoadBalancer,
  Member,
  MemberSettings,
  Monitor,
  MonitorSettings,
  Policy,
  PolicySettings,
  Pool,
  PoolSettings,
  Quota,
  Rule,
  RuleSettings,
  Statistics,
} from './objects.ts';

// What the routes of the operator API and `hactl lb` may do.
//
// Faults carry the sentences of the documented API, because its clients read them:
// - `balancer_object_not_found`: `Load Balancer ID not found.`, also for the object of another tenant
// - `balancer_immutable`: `Load Balancer ID is immutable and cannot be updated.`
// - `balancer_conflict`: a port, address, id, monitor or default pool that is taken, or protocols that do not fit
// - `balancer_invalid`: what the fields alone cannot tell, such as a VIP outside its subnet
// - `balancer_quota_met`: `Quota has been met for resources: Load Balancer`
// - `version_changed`: the condition names a revision that is over
// - `no_space`, `store_unavailable`: those of Store

/** Whose objects a caller sees and changes. */
export interface Scope {
  /** The tenant that the caller's token is bound to; undefined sees all. */
  tenant: string | undefined;
}

/** The objects above one, as the path names them. */
export interface Place {
  loadBalancer: string;
  listener?: string;
  pool?: string;
  policy?: string;
}

/** A part of a list. */
export interface Page {
  /** Names of the answer's keys. The default is `created_at`, then `id`. */
  sort: readonly { key: string; isDescending: boolean }[];
  /** Undefined for all. */
  limit: number | undefined;
  /** The id of the last object of the page before. */
  marker: string | undefined;
  isReverse: boolean;
}

export interface ListFilter extends Partial<Page> {
  project?: string | undefined;
}

export interface Condition {
  /** The only revision of the load balancer that may be changed; undefined for any. */
  ifRevision?: number | undefined;
}

/** The id that a client may choose, and whose object it is. */
export interface Claim {
  id?: string | undefined;
  /** Undefined takes that of the caller, else that of the load balancer. */
  project?: string | undefined;
}

/** A certificate with its key, as a client may send it with a listener. It becomes a secret. */
export interface TlsTermination {
  certificate: string;
  privateKey: string;
  intermediate: string | null;
  passphrase: string | null;
}

export type NewMember = Claim & MemberSettings;
export type NewMonitor = { project?: string | undefined } & MonitorSettings;
export type NewRule = Claim & RuleSettings;
export type NewPool = Claim &
  PoolSettings & {
    /** The listener whose default pool it becomes; it may have none yet. */
    listener?: string | undefined;
    members: readonly NewMember[];
    monitor: NewMonitor | null;
  };
export type NewPolicy = Claim &
  Omit<PolicySettings, 'position'> & {
    position: number | undefined;
    rules: readonly NewRule[];
    /** A pool that is made with it, instead of `redirectPool`. */
    newRedirectPool?: NewPool | undefined;
  };
export type NewListener = Claim &
  ListenerSettings & {
    termination: TlsTermination | null;
    newDefaultPool?: NewPool | undefined;
    policies: readonly NewPolicy[];
  };
export interface NewVip {
  port?: string | undefined;
  network?: string | undefined;
  subnet?: string | undefined;
  address?: string | undefined;
}
export interface NewLoadBalancer extends Claim {
  vip: NewVip;
  name: string | null;
  description: string | null;
  isEnabled: boolean;
  listeners: readonly NewListener[];
}

/** An object with everything below it, as the answer of a POST of a tree shows it. */
export interface PoolTree {
  pool: Pool;
  members: readonly Member[];
  monitor: Monitor | undefined;
}
export interface PolicyTree {
  policy: Policy;
  rules: readonly Rule[];
  redirectPool: PoolTree | undefined;
}
export interface ListenerTree {
  listener: Listener;
  defaultPool: PoolTree | undefined;
  policies: readonly PolicyTree[];
}
export interface LoadBalancerTree {
  loadBalancer: LoadBalancer;
  listeners: readonly ListenerTree[];
}

/** A part of a persistence; null takes it away. */
export type PoolChange = Partial<
  Omit<PoolSettings, 'persistence'> & {
    persistence: Partial<NonNullable<PoolSettings['persistence']>> | null;
  }
>;

/**
 * The objects of one kind below a load balancer.
 *
 * A change is one transaction: its checks, the load balancer from ACTIVE to PENDING_UPDATE, the wanted values and the
 * job. The object that is returned is the one of before, with its status PENDING_UPDATE; the wanted values become
 * visible when they are deployed. A new one is PENDING_CREATE.
 */
export interface Collection<T, New, Change, Created = T> {
  list(scope: Scope, place: Place, page?: Partial<Page>): Promise<readonly T[]>;
  get(scope: Scope, place: Place, id: string): Promise<T>;
  create(scope: Scope, place: Place, wanted: New, condition?: Condition): Promise<Created>;
  change(scope: Scope, place: Place, id: string, change: Change, condition?: Condition): Promise<T>;
  remove(scope: Scope, place: Place, id: string, condition?: Condition): Promise<void>;
}

/** The state of one load balancer on one node. */
export interface NodeState {
  node: number;
  name: string;
  isMaster: boolean;
  isReachable: boolean;
  /** SHA-256 of the file that it is to run, and of the one that it says it runs; null if it has none. */
  wanted: string | null;
  running: string | null;
  heardSecondsAgo: number | null;
  /** One sentence. */
  error: string | null;
}

export interface BalancerStatus {
  tree: LoadBalancerTree;
  /** Pools that no listener uses. */
  otherPools: readonly PoolTree[];
  nodes: readonly NodeState[];
  /** One sentence for each trouble, the worst first. */
  troubles: readonly string[];
  lastError: string | null;
  /** UTC with a zone; null if nothing is to be tried. */
  nextTryAt: string | null;
  attempts: number;
}

export interface BalancerDomain {
  loadBalancers: {
    list(scope: Scope, filter?: ListFilter): Promise<readonly LoadBalancer[]>;
    get(scope: Scope, id: string): Promise<LoadBalancer>;
    create(scope: Scope, wanted: NewLoadBalancer): Promise<LoadBalancerTree>;
    change(
      scope: Scope,
      id: string,
      change: { name?: string | null; description?: string | null; isEnabled?: boolean },
      condition?: Condition,
    ): Promise<LoadBalancer>;
    /** @param isCascade also everything below it */
    remove(scope: Scope, id: string, isCascade: boolean, condition?: Condition): Promise<void>;
    statistics(
      scope: Scope,
      id: string,
    ): Promise<{ total: Statistics; listeners: readonly (Statistics & { id: string })[] }>;
    status(scope: Scope, id: string): Promise<BalancerStatus>;
    /** Tries at once what is to be tried again. */
    repair(scope: Scope, id: string): Promise<LoadBalancer>;
    /** Gives its VIP to its other node. */
    failover(scope: Scope, id: string): Promise<LoadBalancer>;
    /**
     * Waits until nothing of the load balancer is PENDING.
     * @returns whether it came to that within the time
     */
    settled(id: string, timeoutMs: number, signal?: AbortSignal): Promise<boolean>;
  };
  listeners: Collection<
    Listener,
    NewListener,
    /** A new certificate becomes a secret, as that of a new listener. */
    Partial<ListenerSettings> & { termination?: TlsTermination },
    ListenerTree
  > & {
    statistics(scope: Scope, place: Place, id: string): Promise<Statistics>;
  };
  pools: Collection<Pool, NewPool, PoolChange, PoolTree>;
  members: Collection<
    Member,
    NewMember,
    Partial<
      Pick<MemberSettings, 'port' | 'weight' | 'isEnabled' | 'monitorAddress' | 'monitorPort'>
    >
  >;
  /** The monitor of the pool in the place. */
  monitors: {
    get(scope: Scope, place: Place): Promise<Monitor>;
    create(scope: Scope, place: Place, wanted: NewMonitor, condition?: Condition): Promise<Monitor>;
    change(
      scope: Scope,
      place: Place,
      change: Partial<MonitorSettings>,
      condition?: Condition,
    ): Promise<Monitor>;
    remove(scope: Scope, place: Place, condition?: Condition): Promise<void>;
  };
  policies: Collection<Policy, NewPolicy, Partial<PolicySettings>, PolicyTree>;
  rules: Collection<Rule, NewRule, Partial<RuleSettings>>;
  quotas: {
    /** Tenants with quotas of their own. */
    list(scope: Scope): Promise<readonly (Quota & { project: string })[]>;
    get(scope: Scope, project: string): Promise<Quota>;
    defaults(): Quota;
    set(scope: Scope, project: string, quota: Partial<Quota>): Promise<Quota>;
    reset(scope: Scope, project: string): Promise<void>;
  };
  ports: {
    list(scope: Scope): Promise<readonly Port[]>;
    get(scope: Scope, id: string): Promise<Port>;
    create(scope: Scope, wanted: Claim & Omit<NewVip, 'port'>): Promise<Port>;
    remove(scope: Scope, id: string): Promise<void>;
  };
  secrets: {
    list(): Promise<readonly Secret[]>;
    /** Stores one, and has the listeners that use it show it. Faults: `balancer_invalid` */
    put(id: string, pem: TlsTermination | { pem: string }): Promise<Secret>;
    remove(id: string): Promise<void>;
  };
  nodes: {
    list(): Promise<readonly BalancerNode[]>;
    /** Moves its load balancers to other nodes, one after another, and takes no new ones. */
    drain(id: number): Promise<BalancerNode>;
    /** Lets a drained node take load balancers again. */
    resume(id: number): Promise<BalancerNode>;
  };
  orphans: {
    list(): Promise<readonly Orphan[]>;
    remove(node: number, id: string): Promise<void>;
  };
}
