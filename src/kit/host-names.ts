import type { X509Certificate } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';

import type { Run } from './exec.ts';
import { parseIp } from './ip.ts';

/** The names and addresses by which clients may reach a host. */
export interface HostNames {
  names: readonly string[];
  /** In canonical text. */
  addresses: readonly string[];
}

/** As many addresses as a certificate of ours has. */
export const maxAddresses = 64;

/** Linux allows any text as a host name. */
const dnsName = /^(?=.{1,253}$)[a-z0-9](?:[\w.-]*[a-z0-9])?$/i;

export async function namesOfThisHost(run: Run): Promise<HostNames> {
  const names = [hostname(), await fullName(run), 'localhost'].filter((name) => dnsName.test(name));
  const addresses = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .map(({ address }) => address)
    .filter((address) => !/^(?:fe[89ab].:|169\.254\.)/i.test(address));
  return {
    names: [...new Set(names)],
    addresses: unique(['127.0.0.1', '::1', ...addresses]),
  };
}

/** The names in a certificate. */
export function namesIn({ subjectAltName = '' }: X509Certificate): HostNames {
  const values = (pattern: RegExp) =>
    [...subjectAltName.matchAll(pattern)].map(([, value = '']) => value.toLowerCase());
  return {
    names: values(/DNS:([\w.-]+)/g),
    addresses: unique(values(/IP Address:([\da-f.:]+)/gi)),
  };
}

/** Both, the first ones before the others. */
export function joinedNames(own: HostNames, others: HostNames): HostNames {
  return {
    names: [...new Set([...own.names, ...others.names])].slice(0, maxAddresses),
    addresses: unique([...own.addresses, ...others.addresses]),
  };
}

/** Whether a certificate is valid for all of these. */
export function isFor(certificate: X509Certificate, { names, addresses }: HostNames): boolean {
  return (
    names.every((name) => certificate.checkHost(name) !== undefined) &&
    addresses.every((address) => certificate.checkIP(address) !== undefined)
  );
}

/** The host name with its domain (hostname(1)), or '' if no resolver knows it. */
async function fullName(run: Run): Promise<string> {
  try {
    const { exitCode, stdout } = await run({ argv: ['hostname', '--fqdn'], deadlineMs: 3000 });
    return exitCode === 0 ? stdout.trim() : '';
  } catch {
    return '';
  }
}

/** Certificates have IPv6 addresses in another form than the kernel. */
function unique(addresses: readonly string[]): string[] {
  const texts = addresses.map((each) => parseIp(each)?.text ?? each);
  return [...new Set(texts)].slice(0, maxAddresses);
}
