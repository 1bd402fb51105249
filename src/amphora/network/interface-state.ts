import { bitsOf, parseSubnet } from '../../kit/ip.ts';
import { mainTable, type Route, type Rule } from '../../netlink/ip.ts';
import type { PortPlug, SubnetAddress, Topology, VipPlug } from '../amphora.ts';
import { prefixIn } from './checked.ts';

export interface InterfaceAddress {
  address: string;
  prefix: number;
}

/** What an interface should have. Everything else that it has belongs to others, such as keepalived. */
export interface InterfaceState {
  mtu?: number;
  addresses: readonly InterfaceAddress[];
  routes: readonly (Route & {
    /** A tenant wrote it. The kernel may refuse it, and the interface counts as complete all the same. */
    isOfTenant?: true;
  })[];
  rules: readonly Rule[];
  /** Whether a DHCP client asks for an IPv4 address. */
  dhcp: boolean;
  /** Whether router advertisements give it IPv6 addresses. */
  slaac: boolean;
}

/** What was asked for an interface. One that has a VIP may have more addresses, by a plug of a network. */
export interface Plugs {
  vip?: VipPlug;
  port?: PortPlug;
}

/** The table of what comes from a VIP, as in the keepalived.conf of Octavia's drivers. */
const vipTable = 1;

export const emptyState: InterfaceState = {
  addresses: [],
  routes: [],
  rules: [],
  dhcp: false,
  slaac: false,
};

/**
 * The state of an interface by the rules of Octavia's agent (octavia/amphorae/backends/utils/interface_file.py). In an
 * active-standby pair keepalived sets the VIPs, table 1 and the rules.
 *  It differs in one thing: the real agent starts DHCP for a VIP without the amphora's own address. A single amphora needs
 * none, because the VIP itself serves as its source.
 * @param hasOwnTable whether the main table of the namespace is ours; that of the host stays as it is
 */
export function stateOf(
  { vip, port }: Plugs,
  topology: Topology['topology'],
  hasOwnTable: boolean,
): InterfaceState {
  const isPair = topology === 'ACTIVE-STANDBY';
  const vips = vip?.vips ?? [];
  const fixed = port?.addresses ?? [];
  const state: InterfaceState = {
    addresses: unique(
      [
        ...ownAddressOf(vip),
        ...(isPair ? [] : vips.map(({ address }) => ({ address, prefix: hostPrefix(address) }))),
        ...fixed.map(({ address, cidr }) => ({ address, prefix: prefixOf(cidr, address) })),
      ],
      ({ address }) => address,
    ),
    routes: unique(
      [
        ...(hasOwnTable ? mainRoutesOf(vips, vip?.vrrpIp) : []),
        ...(isPair ? [] : vips.flatMap(vipRoutesOf)),
        ...(hasOwnTable && vip ? fixed.flatMap((each) => defaultOf(each, mainTable)) : []),
        ...(hasOwnTable ? fixed.flatMap((each) => hostRoutesOf(each, mainTable)) : []),
      ],
      ({ destination, table }) => `${destination} ${table}`,
    ),
    rules: isPair ? [] : vips.map(({ address }) => ({ source: address, table: vipTable })),
    ...automatic(vip, port, isPair),
  };
  const mtu = port?.mtu ?? vip?.mtu;
  if (mtu !== undefined) state.mtu = mtu;
  return state;
}

/** Those of the state that it has and the other lacks. */
export function leftOver(former: InterfaceState, wanted: InterfaceState): InterfaceState {
  return {
    addresses: former.addresses.filter(
      (each) => !wanted.addresses.some((other) => isSameAddress(each, other)),
    ),
    routes: former.routes.filter(
      (each) => !wanted.routes.some((other) => isSameRoute(each, other)),
    ),
    rules: former.rules.filter((each) => !wanted.rules.some((other) => isSameRule(each, other))),
    dhcp: former.dhcp && !wanted.dhcp,
    slaac: former.slaac && !wanted.slaac,
  };
}

export function isSameAddress(a: InterfaceAddress, b: InterfaceAddress): boolean {
  return a.address === b.address && a.prefix === b.prefix;
}

export function isSameRoute(a: Route, b: Route): boolean {
  return (
    a.destination === b.destination &&
    a.table === b.table &&
    a.gateway === b.gateway &&
    // The kernel gives a route of its own choice a source as well.
    (a.source === b.source || a.source === undefined || b.source === undefined)
  );
}

export function isSameRule(a: Rule, b: Rule): boolean {
  return a.source === b.source && a.table === b.table;
}

function hostPrefix(address: string): number {
  return bitsOf[address.includes(':') ? 6 : 4];
}

function prefixOf(cidr: string, address: string): number {
  return parseSubnet(cidr)?.prefix ?? hostPrefix(address);
}

function ownAddressOf(vip: VipPlug | undefined): InterfaceAddress[] {
  if (vip?.vrrpIp === undefined) return [];
  return [{ address: vip.vrrpIp, prefix: prefixIn(vip.vrrpIp, vip.vips) }];
}

function automatic(
  vip: VipPlug | undefined,
  port: PortPlug | undefined,
  isPair: boolean,
): { dhcp: boolean; slaac: boolean } {
  const needed = vip ? isPair && vip.vrrpIp === undefined : port?.addresses.length === 0;
  const hasVersion = (version: 4 | 6) =>
    vip?.vips.some(({ cidr }) => parseSubnet(cidr)?.version === version) ?? true;
  return { dhcp: needed && hasVersion(4), slaac: needed && hasVersion(6) };
}

/** The routes of the host's own traffic, such as health checks. */
function mainRoutesOf(vips: readonly SubnetAddress[], vrrpIp: string | undefined): Route[] {
  return vips.flatMap((vip) => [
    ...defaultOf(vip, mainTable),
    // The kernel itself makes the route of a subnet in which the interface has an address with its prefix.
    ...(vrrpIp !== undefined && subnetOfOwn(vrrpIp, vips) === vip.cidr
      ? []
      : [{ destination: vip.cidr, table: mainTable }]),
    ...hostRoutesOf(vip, mainTable),
  ]);
}

function subnetOfOwn(vrrpIp: string, vips: readonly SubnetAddress[]): string | undefined {
  return parseSubnet(`${vrrpIp}/${prefixIn(vrrpIp, vips)}`)?.text;
}

/** The routes of what comes from a VIP. */
function vipRoutesOf(vip: SubnetAddress): Route[] {
  return [
    { destination: vip.cidr, source: vip.address, table: vipTable },
    ...defaultOf(vip, vipTable),
    ...hostRoutesOf(vip, vipTable),
  ];
}

function defaultOf({ gateway }: SubnetAddress, table: number): Route[] {
  if (gateway === undefined) return [];
  return [{ destination: gateway.includes(':') ? '::/0' : '0.0.0.0/0', gateway, table }];
}

function hostRoutesOf(
  { hostRoutes }: SubnetAddress,
  table: number,
): (Route & { isOfTenant: true })[] {
  return hostRoutes.map(({ destination, nexthop }) => ({
    destination,
    gateway: nexthop,
    table,
    isOfTenant: true,
  }));
}

/** The first of those with the same key. */
function unique<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  const found = new Map<string, T>();
  for (const item of items) {
    const key = keyOf(item);
    if (!found.has(key)) found.set(key, item);
  }
  return [...found.values()];
}
