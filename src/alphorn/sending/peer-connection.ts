import type dns from 'node:dns';
import https from 'node:https';

import type { PeerKey } from '../peers/keys.ts';
import { identityText, peerTls } from '../peers/peer-protocol.ts';

/** A connection that uses one key. */
export interface Line {
  keyId: string;
  agent: https.Agent;
}

/** A connection ended or failed without an answer. */
export class LineBroken extends Error {
  /** Whether it had been used before. */
  readonly wasInUse: boolean;
  constructor(cause: unknown, wasInUse: boolean) {
    super('The connection broke.', { cause });
    this.wasInUse = wasInUse;
  }
}

export function openLine(key: PeerKey, hostId: string, lookup: typeof dns.lookup): Line {
  const identity = identityText({ hostId, keyId: key.id });
  const agent = new https.Agent({
    ...peerTls,
    keepAlive: true,
    keepAliveMsecs: 15_000,
    maxSockets: 1,
    maxCachedSessions: 0,
    lookup,
    pskCallback: () => ({ psk: key.secret, identity }),
    // The other side proves itself by the key. One with a certificate instead is not authenticated, whoever signed it.
    ca: [],
    checkServerIdentity: () => new Error('It came with a certificate instead of the key.'),
  });
  return { keyId: key.id, agent };
}

/**
 * Whether the other side rejected the key, by the alerts of RFC 8446, section 6.2: 40 if it knows no key of that name
 * (and has no certificate instead), 51 if its key of that name differs. OpenSSL before 3.2 sends 47 for the latter.
 */
export function isKeyRefused(error: unknown): boolean {
  return error instanceof Error && /SSL alert number (?:40|47|51)\b/.test(error.message);
}

/** The addresses of a name; none if it is unknown, or if no name server answers. */
export function addressesOf(host: string, lookup: typeof dns.lookup): Promise<string[]> {
  return new Promise((resolve) => {
    lookup(host, { all: true }, (error, addresses) => {
      resolve(error ? [] : addresses.map(({ address }) => address));
    });
  });
}
