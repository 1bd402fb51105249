import { isIPv6 } from 'node:net';

import { Fault, noSpaceOf } from '../../kit/fault.ts';
import { readTextIfThere, replaceFile } from '../../kit/files/files.ts';
import type { DnsRecord, Resolver } from './resolver.ts';

/** A file of names. */
export interface NamesFile {
  path: string;
  /** `hosts` as in hosts(5), for dnsmasq and others; `zone` has records (RFC 1035, section 5) to be included in a zone. */
  format: 'hosts' | 'zone';
  /** What is added to each name, such as `example.org`; null adds nothing. */
  domain: string | null;
  /** Seconds for which others may store an answer. Only a zone has it. */
  ttl: number;
}

/** Publishes names in a file, which is replaced as a whole, and only if it changes. */
export function makeFileResolver({ path, format, domain, ttl }: NamesFile): Resolver {
  const nameOf = (name: string) => (domain === null ? name : `${name}.${domain}`);
  const lineOf = (name: string, address: string) =>
    format === 'hosts'
      ? `${address}\t${name}`
      : `${name}. ${ttl} IN ${isIPv6(address) ? 'AAAA' : 'A'} ${address}`;
  const heading = `${format === 'hosts' ? '#' : ';'} Written by ha-controller. It replaces this file after each change.`;

  function textOf(records: readonly DnsRecord[]): string {
    const lines = records.flatMap(({ name, addresses }) =>
      addresses.map((address) => lineOf(nameOf(name), address)),
    );
    return [heading, ...lines, ''].join('\n');
  }

  return {
    async publish(records) {
      const text = textOf(records);
      try {
        if ((await readTextIfThere(path)) === text) return;
        await replaceFile(path, text, 0o644);
      } catch (error) {
        throw (
          noSpaceOf(error, path) ??
          new Fault(
            'dns_failed',
            `The names of groups could not be written to ${path}: ${(error as Error).message}. Correct that; they are written again with the next change.`,
          )
        );
      }
    },
  };
}
