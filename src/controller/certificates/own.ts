import { X509Certificate } from 'node:crypto';

import { Fault } from '../../kit/fault.ts';
import { type HostNames, isFor, joinedNames, namesIn } from '../../kit/host-names.ts';
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
 * @param host the names of this host, which the certificate of the port gets besides its own
 * Faults: `store_damaged` if there is no authority, those of Signer and Store
 */
export async function openOwnCertificates(
  store: Store,
  signer: Signer,
  host: () => Promise<HostNames>,
): Promise<OwnCertificates> {
  const authority = await readAuthority(store);
  const pairs = {
    server: await readPair(store, 'server'),
    client: await readPair(store, 'client'),
  };

  async function renew(now = Date.now()): Promise<('server' | 'client')[]> {
    const made: ('server' | 'client')[] = [];
    const { names: own, addresses } = await host();
    const names = withFormer({ names: [controllerName, ...own], addresses }, pairs.server);
    if (isDue(pairs.client, now)) {
      pairs.client = await make('client', clientSubject);
      made.push('client');
    }
    if (isDue(pairs.server, now) || !isForAll(pairs.server, names)) {
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

/** The names of before stay, because the controller may go back to another host with its shared disk. */
function withFormer(own: HostNames, former: KeyPair | undefined): HostNames {
  return former ? joinedNames(own, namesIn(new X509Certificate(former.certificate))) : own;
}

function isDue(pair: KeyPair | undefined, now: number): boolean {
  return pair === undefined || now >= renewalOf(pair.certificate);
}

function isForAll(pair: KeyPair | undefined, names: HostNames): boolean {
  return pair !== undefined && isFor(new X509Certificate(pair.certificate), names);
}

/** Faults: `store_damaged` */
async function readAuthority(store: Reading): Promise<KeyPair> {
  const pair = pairOf(await store.one('SELECT certificate, key_pem FROM authority'));
  if (pair !== undefined) return pair;
  throw new Fault(
    'store_damaged',
    "The store has no authority, so no node can be reached. If 'hactl controller init' was interrupted, type it again; otherwise restore a backup with 'hactl controller restore'.",
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
