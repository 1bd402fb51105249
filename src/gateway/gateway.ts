import type { WantedCheck } from '../keepalived/wanted.ts';

/** The family's name in rows that all families of the controller share. */
export const family = 'gateway';

/** A number of nodes with their groups. */
export interface Gateway {
  id: number;
  name: string;
  /** The ids of its nodes. A node may belong to several gateways. */
  nodes: readonly number[];
}

/** 0 is served and has a name in DNS, 1 is served, and 2 is offline: on no node. */
export type GroupStatus = 0 | 1 | 2;
export const offline: GroupStatus = 2;
export const published: GroupStatus = 0;

/** A node of a group. */
export interface Member {
  node: number;
  interface: string;
  priority: number;
  /** Whether the node serves by the virtual address only. Otherwise its own address gets the name too. */
  isManaged: boolean;
}

/** What an administrator says of a group. */
export interface GroupSettings {
  name: string;
  status: GroupStatus;
  /** An address, perhaps with a prefix length, in its canonical text. One of both is there. */
  virtualIp: string | null;
  virtualIpv6: string | null;
  /** Seconds between two adverts. */
  interval: number;
  preempt: boolean;
  /** Null lets the number of nodes decide. */
  isUnicast: boolean | null;
  check: WantedCheck | null;
  members: readonly Member[];
}

/** A group of nodes, one of which has the virtual address. */
export interface Group extends GroupSettings {
  id: number;
  gateway: number;
  routerId: number;
  /** Grows with each change. */
  revision: number;
}

/** What becomes of a group. Settings that are not there stay. */
export type GroupChange = Partial<GroupSettings> & {
  /** The only router id that is accepted. */
  routerId?: number | undefined;
};

/** 0 is unknown, 3 is FAULT. */
export const memberStates = { unknown: 0, MASTER: 1, BACKUP: 2, FAULT: 3 } as const;
export type MemberStatus = (typeof memberStates)[keyof typeof memberStates];

/** A node of a group with what is known of it. */
export interface MemberView extends Member {
  status: MemberStatus;
  /** What is wrong on it, the worst first, or what its keepalived says. */
  detail: string;
}

/** A group with what is known of its nodes. */
export interface GroupView extends Omit<Group, 'members'> {
  /** Exactly one node is MASTER, it has the address, and its check succeeds. */
  isHealthy: boolean;
  /** It is not offline, and a node is MASTER or BACKUP. */
  isOnline: boolean;
  members: readonly MemberView[];
}

/** The virtual addresses of a group, IPv4 first. */
export function virtualAddresses({
  virtualIp,
  virtualIpv6,
}: Pick<GroupSettings, 'virtualIp' | 'virtualIpv6'>): string[] {
  return [virtualIp, virtualIpv6].filter((each) => each !== null);
}
