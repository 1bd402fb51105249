import { isIPv6 } from 'node:net';

import { plainAddress } from '../kit/addresses.ts';

/**
 * The network that counts as one source of connections and of guesses: an IPv4 address itself, and the /64 network of an
 * IPv6 address, because one host may have all of it (RFC 6177, section 2).
 * @param address as a socket reports it
 */
export function sourceNetwork(address: string): string {
  const plain = plainAddress(address);
  if (!isIPv6(plain)) return plain;
  const [head = '', tail = ''] = plain.split('%')[0]?.split('::') ?? [];
  const front = head.split(':').filter((group) => group !== '');
  const back = tail.split(':').filter((group) => group !== '');
  const zeros = plain.includes('::')
    ? Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0')
    : [];
  return [...front, ...zeros, ...back].slice(0, 4).join(':');
}
