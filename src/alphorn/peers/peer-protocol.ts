import { constants } from 'node:crypto';

import { hostIdPattern } from '../format/manifest.ts';

// What both sides of a peer connection must agree on.

/**
 * TLS 1.3 only. The suite is the one that OpenSSL uses for a pre-shared key without a session
 * (SSL_CTX_set_psk_server_callback(3): SHA-256). Each connection has a key exchange as well, so a key that leaks later
 * does not reveal former traffic. There are no tickets, because a host could use one after its key was withdrawn.
 */
export const peerTls = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  ciphers: 'TLS_AES_128_GCM_SHA256',
  secureOptions: constants.SSL_OP_NO_TICKET,
} as const;

export const peerRoutes = { heartbeat: '/v1/heartbeat', liferaft: '/v1/liferaft' } as const;

/** Node.js has the names of headers in small letters. */
export const digestHeader = 'x-liferaft-digest';
/** Says that the host began a new count of generations, as after a new installation. */
export const rebuiltHeader = 'x-liferaft-rebuilt';
/** Says how many bytes of that liferaft are already there; only the rest is sent. */
export const offsetHeader = 'x-liferaft-offset';

/** What a host tells its destinations: which liferaft it has. */
export interface Heartbeat {
  digest: string;
  lineage: string;
  generation: number;
}

/** What a destination answers. */
export interface HeartbeatAnswer {
  /** Whether it has that very liferaft. */
  held: boolean;
  /** The lineage and generation of the one that it has, if any. */
  lineage?: string;
  generation?: number;
  /** The id of the host that answers; older versions leave it out. */
  host?: string;
  /** How many bytes of that liferaft arrived before its connection was cut. */
  partial?: number;
}

/** The host that asks, and its key: what TLS calls the identity of a pre-shared key. */
export interface PeerIdentity {
  hostId: string;
  keyId: string;
}

export function identityText({ hostId, keyId }: PeerIdentity): string {
  return `${hostId}.${keyId}`;
}

/** @returns undefined if the text is no such identity; anybody may have sent it */
export function parseIdentity(text: string): PeerIdentity | undefined {
  const [hostId = '', keyId = '', ...more] = text.split('.');
  return more.length === 0 && hostIdPattern.test(hostId) && /^[0-9a-f]{8}$/.test(keyId)
    ? { hostId, keyId }
    : undefined;
}
