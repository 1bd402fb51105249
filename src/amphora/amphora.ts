import type { Fencing } from './fencing.ts';

/** The versions of the API without their `v`. */
export const apiVersions = ['0.1', '0.5', '1.0'] as const;
export type ApiVersion = (typeof apiVersions)[number];

/**
 * What a haproxy process belongs to: a listener of API 0.1 and 0.5, or a load balancer of API 1.0. Both have their
 * files in a folder of that name. An owner is a listener if its configuration has a frontend of its own name.
 */
export interface Owner {
  kind: 'listener' | 'loadbalancer';
  id: string;
}

/** The MD5 of the bytes as received, in hexadecimal. */
export interface Uploaded {
  md5: string;
}

export interface Stored extends Uploaded {
  bytes: Buffer;
}

export const actions = ['start', 'stop', 'reload'] as const;
export type Action = (typeof actions)[number];

export type MemberStatus = 'UP' | 'DOWN' | 'RESTARTING' | 'DRAIN' | 'MAINT' | 'no check';

export interface PoolState {
  id: string;
  status: 'UP' | 'DOWN';
  members: readonly { id: string; status: MemberStatus }[];
}

export interface ListenerState {
  id: string;
  /** The id of its owner: its own id in API 0.1 and 0.5, and for LVS. */
  owner: string;
  status: 'ACTIVE' | 'STOPPED' | 'ERROR';
  type: 'TCP' | 'HTTP' | 'TERMINATED_HTTPS' | 'UDP' | 'SCTP';
  /** Known only while the process runs; otherwise empty. */
  pools: readonly PoolState[];
}

/** What there is of a load balancer on this host. */
export interface BalancerState {
  id: string;
  /** SHA-256 of the configuration as it was uploaded last, in hexadecimal; undefined if there is none. */
  sha256: string | undefined;
  /** Whether the process runs that configuration or a former one. */
  process: 'current' | 'former' | 'stopped';
  /** Its files beside the configuration, each with its MD5. */
  certificates: readonly { file: string; md5: string }[];
}

/**
 * The haproxy processes, their configurations and certificates. Each change may have an order, which is refused if a later
 * one was taken for its owner (`amphora_order_stale`, `amphora_order_foreign`).
 */
export interface Haproxies {
  /**
   * Checks a configuration and puts it in place. What runs goes on.
   * Faults: `haproxy_config_refused`, `no_space`, those of Run.
   */
  upload(owner: Owner, bytes: Buffer, fencing?: Fencing): Promise<Uploaded>;
  /** The configuration as it was uploaded. Faults: `listener_not_found`, `loadbalancer_not_found` */
  configuration(owner: Owner): Promise<Stored>;
  /**
   * @returns what was done: a reload of a process that does not run is a start
   * Faults: `listener_not_found`, `loadbalancer_not_found`, `haproxy_not_started`, `haproxy_not_reloaded`,
   * `haproxy_not_stopped`
   */
  act(owner: Owner, action: Action, fencing?: Fencing): Promise<Action>;
  /** Stops the process and removes its files. Faults: as of act */
  remove(owner: Owner, fencing?: Fencing): Promise<void>;
  /** One without a configuration and certificates has a state as well. Faults: `amphora_request_invalid` */
  state(id: string): Promise<BalancerState>;
  /** The load balancers with a configuration, and those with certificates alone. */
  states(): Promise<readonly BalancerState[]>;
  owners(): Promise<readonly Owner[]>;
  listeners(): Promise<readonly ListenerState[]>;
  /** The state of a listener with its pools. Faults: `listener_not_found` */
  listener(id: string): Promise<ListenerState>;
  certificates: {
    /**
     * Faults: `certificate_missing`, `certificate_key_missing`, `certificate_mismatch`, `certificate_refused`,
     * `certificates_not_in_memory`, `no_space`
     */
    upload(owner: Owner, file: string, bytes: Buffer, fencing?: Fencing): Promise<Uploaded>;
    /** Faults: `certificate_not_found` */
    md5(owner: Owner, file: string): Promise<string>;
    /** Faults: `certificate_not_found` */
    remove(owner: Owner, file: string, fencing?: Fencing): Promise<void>;
  };
}

/** The LVS processes of keepalived, one a listener. */
export interface LvsListeners {
  has(id: string): Promise<boolean>;
  /** Faults: `keepalived_config_refused`, `no_space` */
  upload(id: string, bytes: Buffer): Promise<Uploaded>;
  /** Faults: `udp_listener_not_found` */
  configuration(id: string): Promise<Stored>;
  /** Faults: `udp_listener_not_found`, `lvs_failed` */
  act(id: string, action: Action): Promise<Action>;
  /** Faults: `udp_listener_not_found`, `lvs_failed` */
  remove(id: string): Promise<void>;
  /** Removes what a refused upload has left of a listener that has no configuration. Nobody else would. */
  removeRemains(id: string): Promise<void>;
  listeners(): Promise<readonly ListenerState[]>;
}

export interface HostRoute {
  destination: string;
  nexthop: string;
}

/** An address in its subnet. */
export interface SubnetAddress {
  address: string;
  /** The subnet, such as `10.0.0.0/24`. */
  cidr: string;
  gateway?: string | undefined;
  hostRoutes: readonly HostRoute[];
}

export interface VipPlug {
  vips: readonly [SubnetAddress, ...SubnetAddress[]];
  mac: string;
  /** The amphora's own address in an active-standby pair. */
  vrrpIp?: string | undefined;
  mtu?: number | undefined;
}

export interface PortPlug {
  mac: string;
  /** Without addresses, DHCP or SLAAC gives them. */
  addresses: readonly SubnetAddress[];
  mtu?: number | undefined;
}

/** The namespace of the tenants, with its ports. */
export interface Network {
  /**
   * Faults: `vip_invalid`, `port_not_found`, `interface_exists` if it is plugged completely, `vip_plug_failed`
   * @returns the name of the interface in the namespace
   */
  plugVip(plug: VipPlug): Promise<string>;
  /** Faults: `network_invalid`, `port_not_found`, `port_plug_failed` */
  plugPort(plug: PortPlug): Promise<{ interface: string; isNew: boolean }>;
  /** The interface that has an address. Faults: `address_invalid`, `interface_not_found` */
  interfaceOf(address: string): Promise<string>;
}

/** The keepalived of the VIP. */
export interface Vrrp {
  /** Faults: `keepalived_config_refused`, `vrrp_upload_failed`, `no_space` */
  upload(bytes: Buffer): Promise<Uploaded>;
  /** Faults: `keepalived_not_started`, `keepalived_not_stopped`, `keepalived_not_reloaded` */
  act(action: Action): Promise<Action>;
  /** Nothing is configured, or keepalived does not run, or it runs in this state; `FAULT` and `INIT` are keepalived's. */
  state(): Promise<'absent' | 'stopped' | 'MASTER' | 'BACKUP' | 'FAULT' | 'INIT'>;
}

/** The agent itself. */
export interface AmphoraAgent {
  /** Replaces /etc/octavia/amphora-agent.conf. Faults: `agent_config_refused`, `no_space` */
  configure(bytes: Buffer): Promise<Uploaded>;
  /** Replaces the certificate of the API. Faults: as of a tenant's certificate, `agent_certificate_refused` */
  certify(bytes: Buffer): Promise<Uploaded>;
}

export interface Info {
  hostname: string;
  /** The id of the amphora. */
  uuid: string;
  /** The upstream part, such as `2.6.12`; empty if haproxy is not installed. */
  haproxyVersion: string;
  keepalivedVersion: string;
  ipvsadmVersion: string;
}

export const topologies = ['SINGLE', 'ACTIVE-STANDBY', 'ACTIVE-ACTIVE'] as const;
export interface Topology {
  topology: (typeof topologies)[number];
  role?: 'ACTIVE' | 'STANDBY' | undefined;
  haIp?: string | undefined;
  isChanging: boolean;
}

export interface TopologyRequest {
  topology: string;
  role?: string | undefined;
  haIp?: string | undefined;
  secret?: string | undefined;
}

export interface Topologies {
  current(): Promise<Topology>;
  /** @returns whether it is done. Faults: `topology_refused`, `topology_transition` */
  change(request: TopologyRequest): Promise<boolean>;
  /** Faults: `topology_transition` while a change runs */
  refuseDuringChange(): void;
}

/** The state of the host. Sizes are in kilobytes. */
export interface Details {
  /** The interfaces in the namespace of the tenants, with bytes a second over the last 30 seconds. */
  networks: Readonly<Record<string, { sent: number; received: number }>>;
  /** Whether the amphora serves: it is alone, or keepalived is MASTER. */
  isActive: boolean;
  haproxyCount: number;
  lvsCount: number;
  cpuCount: number;
  /** The active profiles of TuneD, separated by blanks. Controllers use `cpuCount` only with the profile `amphora`. */
  tunedProfiles: string;
  /** Percent. */
  cpu: { total: number; user: number; system: number; softIrq: number };
  /** What haproxy may have: the smaller of the host's memory and the limit of the control group. */
  memory: {
    total: number;
    free: number;
    available: number;
    buffers: number;
    cached: number;
    swapUsed: number;
    shared: number;
    slab: number;
    committed: number;
  };
  disk: { used: number; available: number };
  load: readonly [number, number, number];
  packages: readonly { name: string; version: string }[];
}

/** All that the routes ask. */
export interface AmphoraDomain {
  haproxies: Haproxies;
  lvs: LvsListeners;
  network: Network;
  vrrp: Vrrp;
  agent: AmphoraAgent;
  topologies: Topologies;
  info(): Promise<Info>;
  details(): Promise<Details>;
}
