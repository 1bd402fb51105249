import type { WantedCheck } from '../../keepalived/wanted.ts';

/** A VRRP instance over its nodes. Families add and remove these rows, and never a node's file. */
export interface VrrpInstance {
  /** `^[A-Za-z0-9_]{1,32}$`, the name on all nodes. */
  name: string;
  /** Which family owns it, and its id there. */
  owner: { family: string; id: number };
  family: 'ipv4' | 'ipv6';
  /** The layer 2 that its interfaces are in. A router id is unique in a segment and family. */
  segment: string;
  routerId: number;
  /** With a prefix length. */
  addresses: readonly string[];
  interval: number;
  preempt: boolean;
  isUnicast: boolean;
  syncGroup: string | null;
  check: WantedCheck | null;
  /** Whether it is in the configuration of its nodes. */
  isActive: boolean;
  peers: readonly VrrpPeer[];
}

/** A node of an instance. */
export interface VrrpPeer {
  node: number;
  interface: string;
  priority: number;
}
