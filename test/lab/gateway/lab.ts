import { type HostsOptions, network6, raiseHosts } from '../hosts.ts';
import type { LabNode } from '../lab.ts';
import { down, nodeOf } from '../lab.ts';
import { nodeInterface } from '../network.ts';
import type { LabRecord } from '../record.ts';

/** Debian hosts on one layer 2 with this machine, for groups of virtual addresses. */
export interface GatewayLab {
  readonly name: string;
  readonly nodes: readonly LabNode[];
  /** The interface of each node in the common network. */
  readonly interface: string;
  /** A free address in the network of the nodes, without its prefix length. @param number 1 to 100 */
  address(number: number): string;
  address6(number: number): string;
  down(): Promise<void>;
}

/**
 * Brings hosts up that have keepalived, the package, and no configuration.
 * @throws {Error} if a lab of this name is up, or if it cannot be brought up; then everything of it has been removed
 */
export async function upGatewayHosts(options: HostsOptions): Promise<GatewayLab> {
  return gatewayLabOf(await raiseHosts(options));
}

function gatewayLabOf(lab: LabRecord): GatewayLab {
  return {
    name: lab.name,
    nodes: lab.nodes.map((node) => nodeOf(lab, node)),
    interface: nodeInterface,
    address: (number) => `${lab.network}.${number + 100}`,
    address6: (number) => `${network6(lab)}::${(number + 100).toString(16)}`,
    down: () => down(lab.name),
  };
}
