// What load balancers stand on: addresses, certificates and nodes, as their callers see them.

/** An address of a network, for a VIP. */
export interface Port {
  id: string;
  network: string;
  subnet: string;
  address: string;
  /** The load balancer that has it. */
  owner: string | null;
  project: string;
  createdAt: string;
}

export interface Secret {
  id: string;
  /** The SHA-256 of the certificate, and what it says of itself. The key is never shown. */
  fingerprint: string;
  subject: string;
  names: readonly string[];
  expiresAt: string;
  updatedAt: string;
}

/** A node that can carry load balancers. */
export interface BalancerNode {
  id: number;
  name: string;
  isReachable: boolean;
  isDraining: boolean;
  balancers: number;
  networks: readonly string[];
  troubles: readonly string[];
}

/** What an agent runs and the store does not know. */
export interface Orphan {
  node: number;
  name: string;
  id: string;
}
