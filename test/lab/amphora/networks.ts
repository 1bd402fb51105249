import { join } from 'node:path';
import { inPlace, makePlace, placeName, startInPlace } from '../places.ts';
import type { LabRecord } from '../record.ts';
import type { Argv } from '../run.ts';
import { run } from '../run.ts';
import { waitUntil } from '../wait.ts';

// Tenants have two networks, each a bridge without an address of this machine. A namespace has their clients, and
// another one their members. All labs use the same addresses (RFC 2544, RFC 3849), which are known in these namespaces
// only.

export const tenant = {
  vip: {
    cidr: '198.18.1.0/24',
    gateway: '198.18.1.1',
    /** The virtual addresses of the load balancer. */
    address: '198.18.1.100',
    second: '198.18.1.101',
    /** The address of the client in the same network. */
    client: '198.18.1.50',
  },
  vip6: {
    cidr: '2001:db8:1::/64',
    gateway: '2001:db8:1::1',
    address: '2001:db8:1::100',
    client: '2001:db8:1::50',
  },
  members: { cidr: '198.18.2.0/24' },
  members6: { cidr: '2001:db8:2::/64' },
  /** An address of the client beyond the gateway. */
  distantClient: '203.0.113.10',
} as const;

/** The first ports of an amphora's own addresses: keepalived's and a member network's. */
export const vrrpAddress = (index: number): string => `198.18.1.${index + 11}`;
export const vrrpAddress6 = (index: number): string => `2001:db8:1::${index + 11}`;
export const memberPortAddress = (index: number): string => `198.18.2.${index + 11}`;

/** A backend server with addresses of its own. It serves HTTP on 80, HTTPS on 443 and an echo on 7. */
export interface Member {
  readonly name: string;
  readonly address: string;
  readonly address6: string;
}

export const memberCount = 4;

export const members: readonly Member[] = Array.from({ length: memberCount }, (_, index) => ({
  name: `member${index + 1}`,
  address: `198.18.2.${index + 101}`,
  address6: `2001:db8:2::${index + 101}`,
}));

export const bridgesOf = (lab: LabRecord) => ({
  vip: `${lab.bridge}nt`,
  members: `${lab.bridge}nm`,
});

/** Makes the bridges and namespaces of the tenants, and starts their members. */
export async function makeTenants(lab: LabRecord): Promise<void> {
  const { vip, vip6, distantClient } = tenant;
  const bridges = bridgesOf(lab);
  await makeBridge(bridges.vip);
  await makeBridge(bridges.members);
  await makePlace(lab, 'client', {
    bridge: bridges.vip,
    veth: `${bridges.vip}0`,
    addresses: [`${vip.client}/24`, `${vip.gateway}/24`, `${vip6.client}/64`, `${vip6.gateway}/64`],
  });
  await run([
    'ip',
    '-netns',
    placeName(lab, 'client'),
    'address',
    'add',
    distantClient,
    'dev',
    'lo',
  ]);
  await makePlace(lab, 'members', {
    bridge: bridges.members,
    veth: `${bridges.members}0`,
    addresses: members.flatMap(({ address, address6 }) => [`${address}/24`, `${address6}/64`]),
  });
}

async function makeBridge(name: string): Promise<void> {
  await run(['ip', 'link', 'add', name, 'type', 'bridge']);
  // Its own address for IPv6 would make this machine part of the network
  await run(['ip', 'link', 'set', name, 'addrgenmode', 'none']);
  await run(['ip', 'link', 'set', name, 'up']);
}

/**
 * Starts the servers of the members, and waits until they listen.
 * @param identity what they show on port 443: a PEM file with certificate and key
 */
export async function startMembers(lab: LabRecord, identity: string): Promise<void> {
  const server = join(import.meta.dirname, 'member-server.ts');
  const tsx = import.meta.resolve('tsx');
  const states = join(lab.folder, 'members');
  const names = members.map(({ name, address, address6 }) => `${name}=${address}=${address6}`);
  const argv: Argv = [process.execPath, '--import', tsx, server, states, identity, ...names];
  await startInPlace(lab, 'members', 'members', argv);
  await waitUntil('the members to listen', async () => {
    const asked = members.map(({ address }) =>
      inPlace(lab, 'members', ['curl', '-s', '-o', '/dev/null', `http://${address}/`]),
    );
    return (await Promise.all(asked)).every(({ exitCode }) => exitCode === 0);
  });
}
