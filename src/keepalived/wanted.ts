/** A probe of the service on the node. keepalived runs it, and a failing one makes the node yield. */
export interface WantedCheck {
  type: 'tcp' | 'http';
  port: number;
  /** The path of an HTTP probe, beginning with a slash. */
  path?: string;
  intervalSeconds: number;
  timeoutSeconds: number;
  /** How many failures in a row count as a failure, and how many successes as a success. */
  fall: number;
  rise: number;
}

/** One VRRP instance of one node. IPv4 and IPv6 cannot share one. */
export interface WantedInstance {
  /** `^[A-Za-z0-9_]{1,32}$`, such as `vg_3` and `vg_3_v6`. */
  name: string;
  family: 'ipv4' | 'ipv6';
  /** `^[A-Za-z0-9_.:-]{1,15}$` */
  interface: string;
  /** The virtual router id, 1 to 255. */
  routerId: number;
  /** 1 to 254. */
  priority: number;
  /** Seconds between two adverts, 0.01 to 40.95 in steps of 0.01. */
  interval: number;
  /** With a prefix length, such as 10.0.0.100/24. */
  addresses: readonly string[];
  /** The addresses of the other nodes, for unicast. Null means multicast. */
  peers: readonly string[] | null;
  /** The node's own address of the same family on the interface, for unicast. */
  source: string | null;
  /** Whether a better node takes over from a lesser one that is master. */
  preempt: boolean;
  /** The instances of one group move together. */
  syncGroup: string | null;
  check: WantedCheck | null;
}

/** All that one node's keepalived is to do. */
export interface WantedKeepalived {
  instances: readonly WantedInstance[];
}
