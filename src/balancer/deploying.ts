import type {
  ListenerProtocol,
  MemberSettings,
  MonitorSettings,
  OperatingStatus,
  PolicySettings,
  PoolSettings,
  ProvisioningStatus,
  RuleSettings,
  Statistics,
} from './objects.ts';

// What the part that keeps load balancers (changes, jobs, statuses) and the part that brings them onto nodes (files,
// requests to agents, heartbeats) say to each other.

/** A certificate with its chain and key. */
export interface WantedCertificate {
  /** The UUID of the secret. Its file is named by it. */
  id: string;
  /** Certificate, chain and key, in this order. */
  pem: string;
}

export interface WantedListener {
  id: string;
  protocol: ListenerProtocol;
  port: number;
  connectionLimit: number | null;
  insertHeaders: Readonly<Record<string, string>>;
  defaultPool: string | null;
  /** The first is the default. Empty unless the protocol is TERMINATED_HTTPS. */
  certificates: readonly WantedCertificate[];
  /** In the order of their positions. */
  policies: readonly WantedPolicy[];
}

export interface WantedPolicy extends Pick<
  PolicySettings,
  'action' | 'redirectPool' | 'redirectUrl' | 'redirectPrefix'
> {
  id: string;
  rules: readonly (RuleSettings & { id: string })[];
}

export interface WantedPool extends Pick<PoolSettings, 'protocol' | 'algorithm' | 'persistence'> {
  id: string;
  members: readonly (Omit<MemberSettings, 'subnet'> & { id: string })[];
  /** Null if there is none, or a disabled one. */
  monitor: Omit<MonitorSettings, 'isEnabled'> | null;
}

/**
 * What the nodes of a load balancer are to run. It holds what is enabled only; a disabled load balancer has no listener.
 * Equal values give equal files.
 */
export interface WantedBalancer {
  id: string;
  vip: string;
  /** For the stick tables of its nodes; unique on them. */
  peerPort: number;
  nodes: readonly WantedNode[];
  listeners: readonly WantedListener[];
  pools: readonly WantedPool[];
}

export interface WantedNode {
  id: number;
  /** Where the other node's haproxy reaches this one. */
  address: string;
  /**
   * The `amphora_id` of its agent, by which its haproxy finds itself among the peers. Without it, that is the node's number
   * as a text.
   */
  amphora?: string;
}

/** A number that grows with each change of the load balancer, and that of the store: an agent refuses an older one. */
export interface Fencing {
  store: string;
  epoch: number;
  revision: number;
}

export interface NodeDeployed {
  node: number;
  result: 'running' | 'unreachable' | 'refused';
  /** One sentence; undefined if it runs. */
  why: string | undefined;
  /** SHA-256 of the file that it runs. */
  digest: string | undefined;
}

/** Brings load balancers onto nodes. Each step can be repeated. */
export interface Deployer {
  /**
   * Has both nodes run it: uploads side by side, reloads one after another, the node without the VIP first.
   * A member whose weight or `isEnabled` alone differs is changed without a reload.
   * @returns an outcome for each node. It throws only when the signal is aborted.
   */
  deploy(
    wanted: WantedBalancer,
    fencing: Fencing,
    signal: AbortSignal,
  ): Promise<readonly NodeDeployed[]>;
  /** Removes it from nodes, with its certificates. One that is not there counts as removed (`running`). */
  withdraw(
    balancer: string,
    nodes: readonly number[],
    signal: AbortSignal,
    /** Without it, agents remove it whoever has ordered something last. */
    fencing?: Fencing,
  ): Promise<readonly NodeDeployed[]>;
  /**
   * The load balancers on a node, with the SHA-256 of the file that each runs; empty if it does not run the file that it
   * has. Faults: `node_unreachable`, `node_refused`
   */
  runningOn(node: number): Promise<ReadonlyMap<string, string>>;
  /**
   * Which of the load balancers that are placed on a node it does not run, has lost the certificates of (they are in memory
   * there, so a reboot takes them), or has another file of, as after a restore of the store. Faults: `node_unreachable`, `node_refused`
   */
  lostOn?(node: number, placed: readonly PlacedBalancer[]): Promise<readonly string[]>;
  /** The SHA-256 of the file that a node is to run; empty if it is to run nothing, because there is no listener. */
  digestFor(wanted: WantedBalancer, node: number): string;
}

/** A load balancer that a node is to run. */
export interface PlacedBalancer {
  id: string;
  /** Whether one of its listeners terminates TLS. */
  hasCertificates: boolean;
  /** The digest that the node has confirmed last; undefined if any file will do. */
  digest?: string;
}

/** A load balancer with its statuses, for those that heartbeats tell. */
export interface KnownBalancer {
  id: string;
  isEnabled: boolean;
  provisioning: ProvisioningStatus;
  operating: OperatingStatus;
  nodes: readonly number[];
  /** Its VIP. Whoever has it is asked first. */
  vip?: string;
  /** When it was placed on its nodes, by the clock of `performance.now()`. */
  placedAt: number;
  listeners: readonly KnownObject[];
  pools: readonly (KnownObject & {
    hasMonitor: boolean;
    members: readonly (KnownObject & { weight: number })[];
  })[];
}

export interface KnownObject {
  id: string;
  isEnabled: boolean;
  operating: OperatingStatus;
}

export interface OperatingChange {
  kind: 'load_balancer' | 'listener' | 'pool' | 'member';
  id: string;
  operating: OperatingStatus;
}

/** Where heartbeats put what they tell. Only `state.ts` writes statuses. */
export interface OperatingStore {
  /** All load balancers. It is cheap while nothing has changed. */
  known(): Promise<readonly KnownBalancer[]>;
  setOperating(changes: readonly OperatingChange[]): Promise<void>;
  /** Adds to the totals of listeners, and replaces the numbers of open connections on a node. */
  addStatistics(sums: readonly ListenerSum[]): Promise<void>;
}

/** What a listener has counted on one node, and its open connections there. */
export interface ListenerSum {
  node: number;
  listener: string;
  statistics: Statistics;
}
