import { isIPv6 } from 'node:net';

/**
 * An address as people write it. `::ffff:192.0.2.1`, as a dual-stack socket reports it, is an IPv4 address (RFC 4291,
 * section 2.5.5.2). All others stay as they are.
 */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

/** A host and port as a URL has them: an IPv6 address stands in brackets (RFC 3986, section 3.2.2). */
export function hostAndPort(host: string, port: number): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
