import { Fault } from '../../kit/fault.ts';
import { bitsOf, contains, type Ip, parseIp, parseSubnet, type Subnet } from '../../kit/ip.ts';
import type { HostRoute, PortPlug, SubnetAddress, VipPlug } from '../amphora.ts';

// What a controller sends is checked here, and brought into canonical form. So everything behind it compares texts.

/** Neutron allows 20 routes a subnet by default (max_subnet_host_routes). */
const maxRoutes = 256;
const maxAddresses = 64;
/** The limits of the kernel for Ethernet, and of RFC 8200 for IPv6. */
const mtuRange = { min: 68, minIpv6: 1280, max: 65535 };

type Code = 'vip_invalid' | 'network_invalid';

/** @returns the plug in canonical form. Faults: `vip_invalid` */
export function checkedVipPlug(plug: VipPlug): VipPlug {
  const refuse = refusal('vip_invalid');
  const [first, ...more] = plug.vips;
  const [vip, ...additional] = checkedAddresses([first, ...more], refuse);
  if (vip === undefined) throw refuse('there is no address');
  const vips = [vip, ...additional] as const;
  const checked: VipPlug = { vips, mac: checkedMac(plug.mac, refuse) };
  const vrrpIp = checkedVrrpIp(plug.vrrpIp, vips, refuse);
  const addresses = [
    ...vips.map(({ address }) => address),
    ...(vrrpIp === undefined ? [] : [vrrpIp]),
  ];
  const mtu = checkedMtu(plug.mtu, addresses, refuse);
  if (vrrpIp !== undefined) checked.vrrpIp = vrrpIp;
  if (mtu !== undefined) checked.mtu = mtu;
  return checked;
}

/** @returns the plug in canonical form. Faults: `network_invalid` */
export function checkedPortPlug(plug: PortPlug): PortPlug {
  const refuse = refusal('network_invalid');
  const addresses = checkedAddresses(plug.addresses, refuse);
  const checked: PortPlug = { mac: checkedMac(plug.mac, refuse), addresses };
  const mtu = checkedMtu(
    plug.mtu,
    addresses.map(({ address }) => address),
    refuse,
  );
  if (mtu !== undefined) checked.mtu = mtu;
  return checked;
}

type Refuse = (why: string) => Fault;

function refusal(code: Code): Refuse {
  return (why) => new Fault(code, `${why.charAt(0).toUpperCase()}${why.slice(1)}.`);
}

/** A value from outside as a message may show it: short, and in one line. */
function shown(value: string): string {
  return JSON.stringify(value.slice(0, 60));
}

function checkedAddresses(given: readonly SubnetAddress[], refuse: Refuse): SubnetAddress[] {
  if (given.length > maxAddresses) {
    throw refuse(`there are ${given.length} addresses, and at most ${maxAddresses} are allowed`);
  }
  const routes = given.reduce((sum, { hostRoutes }) => sum + hostRoutes.length, 0);
  if (routes > maxRoutes) {
    throw refuse(`there are ${routes} host routes, and at most ${maxRoutes} are allowed`);
  }
  const checked = given.map((each) => checkedAddress(each, refuse));
  const seen = new Set<string>();
  for (const { address } of checked) {
    if (seen.has(address)) throw refuse(`${address} is there twice`);
    seen.add(address);
  }
  return checked;
}

function checkedAddress(given: SubnetAddress, refuse: Refuse): SubnetAddress {
  const ip = hostAddress('address', given.address, refuse);
  const subnet = checkedSubnet('subnet', given.cidr, refuse);
  if (!contains(subnet, ip)) throw refuse(`the subnet ${subnet.text} does not contain ${ip.text}`);
  const checked: SubnetAddress = {
    address: ip.text,
    cidr: subnet.text,
    hostRoutes: given.hostRoutes.map((route) => checkedRoute(route, refuse)),
  };
  if (given.gateway !== undefined) {
    // A gateway may be outside of the subnet: with IPv6 it is mostly a link-local address.
    const gateway = hostAddress('gateway', given.gateway, refuse);
    if (gateway.version !== ip.version) {
      throw refuse(`the gateway ${gateway.text} is not of the IP version of ${ip.text}`);
    }
    if (gateway.value === ip.value) throw refuse(`${ip.text} is its own gateway`);
    checked.gateway = gateway.text;
  }
  return checked;
}

function checkedRoute({ destination, nexthop }: HostRoute, refuse: Refuse): HostRoute {
  const to = checkedSubnet('destination of a host route', destination, refuse, 0);
  const hop = hostAddress('next hop of a host route', nexthop, refuse);
  if (to.version !== hop.version) {
    throw refuse(`the next hop ${hop.text} is not of the IP version of ${to.text}`);
  }
  return { destination: to.text, nexthop: hop.text };
}

function checkedSubnet(what: string, text: string, refuse: Refuse, minPrefix = 1): Subnet {
  const subnet = parseSubnet(text);
  if (subnet === undefined || subnet.prefix < minPrefix) {
    throw refuse(`the ${what} ${shown(text)} is no subnet such as 10.0.0.0/24 or 2001:db8::/64`);
  }
  return subnet;
}

/** Ranges that no host and no router has as its address (RFC 6890, RFC 4291). */
const notOfHosts = [
  { range: '0.0.0.0/8', name: 'an address of no host' },
  { range: '127.0.0.0/8', name: 'a loopback address' },
  { range: '224.0.0.0/4', name: 'a multicast address' },
  { range: '255.255.255.255/32', name: 'the broadcast address' },
  { range: '::/128', name: 'the unspecified address' },
  { range: '::1/128', name: 'the loopback address' },
  { range: 'ff00::/8', name: 'a multicast address' },
];

function hostAddress(what: string, text: string, refuse: Refuse): Ip {
  const ip = parseIp(text);
  if (ip === undefined) throw refuse(`the ${what} ${shown(text)} is no IP address`);
  for (const { range, name } of notOfHosts) {
    const subnet = parseSubnet(range);
    if (subnet && contains(subnet, ip)) throw refuse(`the ${what} ${ip.text} is ${name}`);
  }
  return ip;
}

function checkedVrrpIp(
  text: string | undefined,
  vips: readonly SubnetAddress[],
  refuse: Refuse,
): string | undefined {
  if (text === undefined) return undefined;
  const ip = hostAddress('VRRP address', text, refuse);
  if (subnetWith(ip, vips) === undefined) {
    throw refuse(`no subnet of a VIP contains the VRRP address ${ip.text}`);
  }
  return ip.text;
}

/** The first subnet that contains the address. */
function subnetWith(ip: Ip, vips: readonly SubnetAddress[]): Subnet | undefined {
  return vips
    .map(({ cidr }) => parseSubnet(cidr))
    .find((subnet) => subnet !== undefined && contains(subnet, ip));
}

/** The length of the prefix of an address in the first subnet that contains it; that of a host without one. */
export function prefixIn(address: string, vips: readonly SubnetAddress[]): number {
  const ip = parseIp(address);
  if (ip === undefined) throw new TypeError(`not an address: ${address}`);
  return subnetWith(ip, vips)?.prefix ?? bitsOf[ip.version];
}

function checkedMac(text: string, refuse: Refuse): string {
  const mac = text.toLowerCase();
  const isMac = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/.test(mac);
  if (!isMac) throw refuse(`the MAC ${shown(text)} is not of the form fa:16:3e:00:00:01`);
  const isOfHost = mac !== '00:00:00:00:00:00' && Number.parseInt(mac.slice(0, 2), 16) % 2 === 0;
  if (!isOfHost) throw refuse(`the MAC ${mac} is not that of one network card`);
  return mac;
}

function checkedMtu(
  mtu: number | undefined,
  addresses: readonly string[],
  refuse: Refuse,
): number | undefined {
  if (mtu === undefined) return undefined;
  const { min, minIpv6, max } = mtuRange;
  const needed = addresses.some((address) => address.includes(':')) ? minIpv6 : min;
  if (!Number.isInteger(mtu) || mtu < needed || mtu > max) {
    throw refuse(`the MTU ${mtu} is not a whole number from ${needed} to ${max}`);
  }
  return mtu;
}
