import { readyRealAgentRoot } from '../amphora/roots.ts';
import { type HostsOptions, network6, raiseHosts } from '../hosts.ts';
import type { LabNode } from '../lab.ts';
import { down, nodeOf, readyRecord } from '../lab.ts';
import { nodeInterface } from '../network.ts';
import { inPlace, makePlace, startInPlace } from '../places.ts';
import { silentProgress } from '../progress.ts';
import type { LabRecord } from '../record.ts';
import type { Argv, Outcome, RunOptions } from '../run.ts';
import {
  makeMembers,
  type Member,
  memberCertificate,
  membersOf,
  type MemberState,
  setMember,
} from './members.ts';

/** Debian hosts for load balancers, members behind these and clients, all on one layer 2 with this machine. */
export interface BalancerLab {
  readonly name: string;
  readonly nodes: readonly LabNode[];
  /** The interface of each node in the common network. */
  readonly interface: string;
  readonly cidr: string;
  readonly cidr6: string;
  /** The address of this machine, the router of the network. */
  readonly router: string;
  readonly router6: string;
  /** An address that nobody in the network has, for VIPs. @param number 1 to 100 */
  address(number: number): string;
  address6(number: number): string;
  readonly members: readonly Member[];
  /** The certificate that a member shows on port 443, which it signed itself: a PEM file of this machine. */
  certificateOf(member: Member): string;
  setMember(member: Member, state: MemberState): Promise<void>;
  /** The addresses of the clients. The first is the one that they use by themselves. */
  readonly sources: readonly string[];
  /** Runs a command of this machine in the namespace of the clients. */
  inClient(argv: Argv, options?: RunOptions): Promise<Outcome>;
  /** Starts a command there that runs until the lab goes down. `part` names it and its log. */
  startInClient(part: string, argv: Argv): Promise<void>;
  /** A folder for files of the test, which goes with the lab. */
  readonly folder: string;
  down(): Promise<void>;
}

export interface BalancerLabOptions extends Omit<HostsOptions, 'rootOf'> {
  /** Nodes whose root also has Octavia's own agent, by their index. They have to be Debian 12. */
  readonly withOctavia?: readonly number[];
}

/**
 * Brings hosts, members and clients up. The hosts have haproxy, keepalived, the package, and no configuration.
 * @throws {Error} if a lab of this name is up, or if it cannot be brought up; then everything of it has been removed
 */
export async function upBalancerHosts(options: BalancerLabOptions): Promise<BalancerLab> {
  const { withOctavia = [], progress = silentProgress } = options;
  const rootOf = (index: number): Promise<string | undefined> =>
    withOctavia.includes(index) ? readyRealAgentRoot(progress) : Promise.resolve(undefined);
  const lab = await raiseHosts({ ...options, rootOf }, async (record) => {
    await makePlace(record, client, {
      bridge: record.bridge,
      veth: `${record.bridge}nc`,
      addresses: [
        ...sourcesOf(record).map((address) => `${address}/24`),
        `${network6(record)}::${firstSource}/64`,
      ],
    });
    await makeMembers(record);
  });
  return balancerLabOf(lab);
}

/** The hosts of a lab that is up. Throws if there is none of this name. */
export async function openBalancerHosts(name: string): Promise<BalancerLab> {
  return balancerLabOf(await readyRecord(name));
}

const client = 'client';
const firstSource = 51;

/** Several clients, for what depends on the address of one. */
const sourcesOf = ({ network }: LabRecord): string[] =>
  Array.from({ length: 9 }, (_, index) => `${network}.${index + firstSource}`);

function balancerLabOf(lab: LabRecord): BalancerLab {
  return {
    name: lab.name,
    nodes: lab.nodes.map((node) => nodeOf(lab, node)),
    interface: nodeInterface,
    cidr: `${lab.network}.0/24`,
    cidr6: `${network6(lab)}::/64`,
    router: lab.gateway,
    router6: `${network6(lab)}::1`,
    address: (number) => `${lab.network}.${number + 100}`,
    address6: (number) => `${network6(lab)}::${(number + 100).toString(16)}`,
    members: membersOf(lab),
    certificateOf: (member) => memberCertificate(lab, member),
    setMember: (member, state) => setMember(lab, member, state),
    sources: sourcesOf(lab),
    inClient: (argv, options) => inPlace(lab, client, argv, options),
    startInClient: (part, argv) => startInPlace(lab, client, part, argv),
    folder: lab.folder,
    down: () => down(lab.name),
  };
}
