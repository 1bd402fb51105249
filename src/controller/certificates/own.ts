import { X509Certificate } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';

import { Fault } from '../../kit/fault.ts';
import type { Reading, Store, Transaction } from '../store/store.ts';
import { fingerprintOf, renewalOf } from './life.ts';
import type { KeyPair, Signer, Subject } from './signer.ts';

/**
 * A name that only the controller's own certificate has. A node has a certificate of the same authority, and must not be
 * taken for the controller.
 */
export const controllerName = 'controller.ha-agent.internal';

/** The common name of the certificate by which nodes know the controller. */
export const clientName = 'ha-controller';

/** The common name of a node's certificate. Ids are never used twice. */
export function nodeCommonName(id: number): string {
  return `node-${id}`;
}

/** The certificates of the controller. The store has them. */
export interface OwnCertificates {
  authority: KeyPair;
  /** The SHA-256 of the authority's certificate. */
  fingerprint: string;
  /** For the port of the API; its certificate is followed by that of the authority. */
  server(): KeyPair;
  /** For the nodes. */
  client(): KeyPair;
  /**
   * Makes those again that are to be renewed, and that of the port if this host has names or addresses that it lacks.
   * @returns which ones are new
   * Faults: those of Signer and Store
   */
  renew(now?: number): Promise<('server' | 'client')[]>;
}

/**
 * Makes the authority of a new store.
 * Faults: those of Signer and Store
 */
export async function makeOwnAuthority(store: Store, signer: Signer): Promise<void> {
  const { certificate, key } = await signer.makeAuthority();
  await store.write(async (transaction) => {
    const there = await transaction.one('SELECT certificate FROM authority');
    if (there !== undefined) throw new Error('The store has an authority already.');
    await transaction.run('INSERT INTO authority (certificate, key_pem) VALUES ($1, $2)', [
      certificate,
      key,
    ]);
  });
}

/**
 * Reads the certificates, and makes those that are missing.
 * @param host the names of this host
 * Faults: `store_damaged` if there is no authority, those of Signer and Store
 */
export async function openOwnCertificates(
  store: Store,
  signer: Signer,
  host: () => HostNames = namesOfThisHost,
): Promise<OwnCertificates> {
  const authority = await readAuthority(store);
  const pairs = {
    server: await readPair(store, 'server'),
    client: await readPair(store, 'client'),
  };

  async function renew(now = Date.now()): Promise<('server' | 'client')[]> {
    const made: ('server' | 'client')[] = [];
    const names = withFormer(host(), pairs.server);
    if (isDue(pairs.client, now)) {
      pairs.client = await make('client', clientSubject);
      made.push('client');
    }
    if (isDue(pairs.server, now) || !covers(pairs.server, names)) {
      pairs.server = await make('server', { common: clientName, ...names, usage: 'serverAuth' });
      made.push('server');
    }
    return made;
  }

  async function make(kind: 'server' | 'client', subject: Subject): Promise<KeyPair> {
    const pair = await signer.make(authority, subject);
    await store.write((transaction) => writePair(transaction, kind, pair));
    return pair;
  }

  await renew();
  const present = (kind: 'server' | 'client'): KeyPair => {
    const pair = pairs[kind];
    if (pair === undefined) throw new Error('It was made above.');
    return pair;
  };
  return {
    authority,
    fingerprint: fingerprintOf(authority.certificate),
    server() {
      const { certificate, key } = present('server');
      return { certificate: certificate + authority.certificate, key };
    },
    client: () => present('client'),
    renew,
  };
}

const clientSubject: Subject = {
  common: clientName,
  names: [],
  addresses: [],
  usage: 'clientAuth',
};

/** The names and addresses by which clients may reach a host. */
export type HostNames = Pick<Subject, 'names' | 'addresses'>;

/** Linux allows any text as a host name. */
const dnsName = /^(?=.{1,253}$)[a-z0-9](?:[\w.-]*[a-z0-9])?$/i;
const maxAddresses = 64;

function namesOfThisHost(): HostNames {
  const addresses = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .map(({ address }) => address)
    .filter((address) => !/^(?:fe[89ab].:|169\.254\.)/i.test(address));
  return {
    names: [...new Set([controllerName, hostname(), 'localhost'])].filter((name) =>
      dnsName.test(name),
    ),
    addresses: [...new Set(['127.0.0.1', '::1', ...addresses])].slice(0, maxAddresses),
  };
}

/** The names of before stay, because the controller may go back to another host with its shared disk. */
function withFormer({ names, addresses }: HostNames, former: KeyPair | undefined): HostNames {
  const text = (former && new X509Certificate(former.certificate).subjectAltName) ?? '';
  const values = (pattern: RegExp) =>
    [...text.matchAll(pattern)].map(([, value = '']) => value.toLowerCase());
  return {
    names: unique(names, values(/DNS:([\w.-]+)/g)),
    addresses: unique(addresses, values(/IP Address:([\da-f.:]+)/gi)),
  };
}

function unique(own: readonly string[], former: readonly string[]): string[] {
  return [...new Set([...own, ...former])].slice(0, maxAddresses);
}

function isDue(pair: KeyPair | undefined, now: number): boolean {
  return pair === undefined || now >= renewalOf(pair.certificate);
}

function covers(pair: KeyPair | undefined, { names, addresses }: HostNames): boolean {
  if (pair === undefined) return false;
  const found = new X509Certificate(pair.certificate);
  return (
    names.every((name) => found.checkHost(name) !== undefined) &&
    addresses.every((address) => found.checkIP(address) !== undefined)
  );
}

/** Faults: `store_damaged` */
async function readAuthority(store: Reading): Promise<KeyPair> {
  const pair = pairOf(await store.one('SELECT certificate, key_pem FROM authority'));
  if (pair !== undefined) return pair;
  throw new Fault(
    'store_damaged',
    "The store has no authority, so no node can be reached. Restore a backup with 'hactl controller restore'.",
  );
}

async function readPair(store: Reading, kind: string): Promise<KeyPair | undefined> {
  return pairOf(
    await store.one('SELECT certificate, key_pem FROM own_certificates WHERE kind = $1', [kind]),
  );
}

function pairOf(row: Awaited<ReturnType<Reading['one']>>): KeyPair | undefined {
  if (row === undefined) return undefined;
  return { certificate: String(row['certificate']), key: String(row['key_pem']) };
}

async function writePair(
  transaction: Transaction,
  kind: string,
  { certificate, key }: KeyPair,
): Promise<void> {
  await transaction.run(
    'INSERT INTO own_certificates (kind, certificate, key_pem) VALUES ($1, $2, $3) ON CONFLICT (kind) DO UPDATE SET certificate = $2, key_pem = $3',
    [kind, certificate, key],
  );
}
