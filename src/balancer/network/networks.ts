import type { ControllerNode } from '../../controller/nodes/nodes.ts';
import type { Ip } from '../../kit/ip.ts';
import type { NewVip } from '../domain.ts';

/** A subnet in which a VIP is to be. */
export interface SubnetForVip {
  network: string;
  subnet: string;
  /** The prefix length of its addresses. */
  prefix: number;
  /** Whether an address may be given out there. */
  has(address: string): boolean;
  /** The addresses that may be given out, in order. */
  addresses(): Iterable<string>;
}

/** What is known of networks, without any address that was given out. All calls are pure. */
export interface Networks {
  /** Faults: `balancer_invalid` if there is none, or the address is outside of it */
  subnetFor(wish: Omit<NewVip, 'port'>): SubnetForVip;
  /** Faults: `balancer_invalid` */
  demandSubnet(id: string): void;
  /** Where a port is that nobody has made; undefined if only ports that were made are known. */
  strayPort(id: string): SubnetForVip | undefined;
  /** An address in each subnet of a network. */
  anchors(network: string): readonly Ip[];
  /**
   * The interface by which a node is in a network.
   * @returns undefined if it is not there, `''` if no VIP is needed on it
   */
  interfaceOn(network: string, node: ControllerNode): string | undefined;
}
