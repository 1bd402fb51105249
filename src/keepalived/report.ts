import type { VrrpState } from '../parsers/keepalived/dump.ts';

/** What a node says of one instance. */
export interface ReportedInstance {
  name: string;
  state: VrrpState;
  /** Milliseconds since 1970 of its last transition by keepalived's own word; null if not known. */
  since: number | null;
  /** Those of its addresses that the kernel has on the interface. */
  addresses: readonly string[];
  /** Its priority by keepalived's own word, which is lower while its check fails; null if not known. */
  effectivePriority: number | null;
}

/** VRRP packets of somebody whom the node does not know as a peer. */
export interface OtherRouter {
  interface: string;
  family: 'ipv4' | 'ipv6';
  routerId: number;
  source: string;
}

/** Whose orders a node runs, and which. */
export interface Orders {
  /** The identity of the store. */
  store: string;
  /** The fencing number. It grows when a store is restored from a backup. */
  epoch: number;
  /** Grows with each change of the node's configuration. */
  revision: number;
  /** SHA-256 in hexadecimal of the canonical JSON of the wanted configuration, see `digestOf`. */
  digest: string;
}

/** What a node knows of its keepalived at one moment. */
export interface KeepalivedReport {
  /** Grows with each report that differs from the one before; begins at 1 with each start of the service. */
  sequence: number;
  /** Differs after each start of the service. */
  boot: string;
  /** The orders that run; null before the first. */
  running: Orders | null;
  /** The version of keepalived, such as 2.2.7; empty if it is not installed. */
  version: string;
  /** Whether keepalived runs and has answered. If not, its instances are not known. */
  isAnswering: boolean;
  instances: readonly ReportedInstance[];
  otherRouters: readonly OtherRouter[];
  /** What is wrong on this node, one sentence each, the worst first. */
  troubles: readonly string[];
}
