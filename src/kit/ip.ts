import { isIPv4, isIPv6 } from 'node:net';

/** An address, as a number and in its canonical text. */
export interface Ip {
  version: 4 | 6;
  value: bigint;
  /** Dotted for IPv4; for IPv6 as RFC 5952 wants it. */
  text: string;
}

export interface Subnet {
  version: 4 | 6;
  /** Its first address. */
  first: bigint;
  prefix: number;
  /** Such as `10.0.0.0/24`. */
  text: string;
}

export const bitsOf = { 4: 32, 6: 128 } as const;

/** @returns undefined for anything that is no address, and for one with a zone (`fe80::1%eth0`) */
export function parseIp(text: string): Ip | undefined {
  if (isIPv4(text)) return ipOf(4, valueOfIpv4(text));
  if (isIPv6(text) && !text.includes('%')) return ipOf(6, valueOfIpv6(text));
  return undefined;
}

/**
 * Reads `ADDRESS/PREFIX`. Bits behind the prefix are dropped, so that an address with its prefix names its subnet.
 * @returns undefined if the text is no subnet
 */
export function parseSubnet(text: string): Subnet | undefined {
  const slash = text.indexOf('/');
  const ip = parseIp(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (slash < 0 || ip === undefined || !/^\d{1,3}$/.test(digits)) return undefined;
  const prefix = Number(digits);
  return prefix > bitsOf[ip.version] ? undefined : subnetOf(ip, prefix);
}

/** An address without its prefix length. */
export function withoutPrefix(address: string): string {
  const slash = address.indexOf('/');
  return slash < 0 ? address : address.slice(0, slash);
}

/** The subnet of an address. */
export function subnetOf({ version, value }: Ip, prefix: number): Subnet {
  const hostBits = BigInt(bitsOf[version] - prefix);
  const first = (value >> hostBits) << hostBits;
  return { version, first, prefix, text: `${ipOf(version, first).text}/${prefix}` };
}

export function contains({ version, first, prefix }: Subnet, ip: Ip): boolean {
  return ip.version === version && subnetOf(ip, prefix).first === first;
}

/** The canonical text of an address. */
export function addressText(version: 4 | 6, value: bigint): string {
  return version === 4 ? ipv4Text(value) : ipv6Text(value);
}

function ipOf(version: 4 | 6, value: bigint): Ip {
  return { version, value, text: addressText(version, value) };
}

function valueOfIpv4(text: string): bigint {
  return text.split('.').reduce((value, part) => value * 256n + BigInt(part), 0n);
}

function ipv4Text(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
}

function valueOfIpv6(text: string): bigint {
  const [head = '', tail] = text.split('::');
  const before = groupsOf(head);
  const after = groupsOf(tail ?? '');
  const missing = Array<bigint>(8 - before.length - after.length).fill(0n);
  return [...before, ...missing, ...after].reduce((value, group) => value * 65536n + group, 0n);
}

/** The last two groups may be written as an IPv4 address. */
function groupsOf(text: string): bigint[] {
  return text
    .split(':')
    .filter((group) => group !== '')
    .flatMap((group) => {
      if (!group.includes('.')) return BigInt(`0x${group}`);
      const value = valueOfIpv4(group);
      return [value >> 16n, value & 65535n];
    });
}

function ipv6Text(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, at) =>
    ((value >> BigInt(112 - 16 * at)) & 65535n).toString(16),
  );
  // RFC 5952, section 4.2: `::` stands for the first of the longest runs of at least two zeros.
  let best = { start: 0, length: 1 };
  for (let start = 0; start < 8; start += 1) {
    let length = 0;
    while (groups[start + length] === '0') length += 1;
    if (length > best.length) best = { start, length };
  }
  if (best.length < 2) return groups.join(':');
  const after = groups.slice(best.start + best.length).join(':');
  return `${groups.slice(0, best.start).join(':')}::${after}`;
}
