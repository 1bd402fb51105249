import type { KeepalivedReport, Orders } from '../keepalived/report.ts';
import type { UsedAddress } from '../netlink/probe.ts';
import type { ProbeRequest } from './probing.ts';

/** What a node says of itself. */
export interface NodeFacts {
  name: string;
  /** A hash of /etc/machine-id, which itself stays on the host. */
  machine: string;
  /** Whose orders it runs. */
  adopted: { store: string; epoch: number } | null;
  /** The version of keepalived; empty if it is not installed. */
  keepalived: string;
  interfaces: readonly NodeInterfaceFacts[];
}

export interface NodeInterfaceFacts {
  name: string;
  /** With prefix lengths, without virtual addresses. */
  addresses: readonly string[];
  isUp: boolean;
}

/** What the node part of this host can do. Routes turn it into JSON. */
export interface NodeDomain {
  facts(): Promise<NodeFacts>;
  /**
   * Has keepalived run a configuration.
   * @param body `orders`, `wanted` and `watch`, not checked yet
   * @returns the orders, when keepalived really runs them
   * Faults: `invalid_request`, `node_orders_foreign`, `node_orders_stale`, `node_configuration_refused`,
   * `node_keepalived_configured`, `node_not_applied`, those of Run
   */
  order(body: OrderRequest): Promise<Orders>;
  /**
   * What it knows of keepalived.
   * @param after with `boot`, waits up to five seconds for a report after this sequence
   */
  report(after?: { sequence: number; boot: string }): Promise<KeepalivedReport>;
  /**
   * Asks the hosts on a link by ARP and neighbour solicitation for addresses, within a second.
   * @param request `interface` and `addresses`, not checked yet
   * @returns those that another host has
   * Faults: `invalid_request`, `tool_failed` if the interface is missing or down, those of Run
   */
  probe(request: ProbeRequest): Promise<readonly UsedAddress[]>;
  /** Makes a new key, which stays here. @returns a certificate request (PKCS #10) as PEM */
  requestCertificate(): Promise<string>;
  /**
   * Uses a certificate for the key of the last request, and its CA for callers.
   * Faults: `node_certificate_refused`
   */
  certify(credentials: { certificate: string; authority: string }): Promise<void>;
  /**
   * Stops keepalived, and forgets the store and the certificates.
   * Faults: `node_orders_foreign`, `node_orders_stale`, those of Run
   */
  leave(orders: unknown): Promise<void>;
  /**
   * Lets the next store order this node, whichever it is. keepalived goes on.
   * @returns the store whose orders it ran; null if there was none
   */
  adopt(): Promise<string | null>;
}

/** The parts of an order as they came. */
export interface OrderRequest {
  orders: unknown;
  wanted: unknown;
  watch: unknown;
}
