import { constants } from 'node:crypto';

import { hostIdPattern } from '../format/manifest.ts';

// What both sides of a peer connection have to agree on.

/**
 * TLS 1.3, and no other. The suite is the one that OpenSSL gives a key without a session of its own
 * (SSL_CTX_set_psk_server_callback(3): SHA-256); each connection has a key exchange besides, so that who gets hold
 * of the key later cannot read what went over it. No tickets: with one, who was let in would come back after the
 * key was withdrawn.
 */
export const peerTls = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  ciphers: 'TLS_AES_128_GCM_SHA256',
  secureOptions: constants.SSL_OP_NO_TICKET,
} as const;

export const peerRoutes = { heartbeat: '/v1/heartbeat', liferaft: '/v1/liferaft' } as const;

/** As Node.js has the names of headers. */
export const digestHeader = 'x-liferaft-digest';
/** Says that the host began to count its generations anew, as after a new installation. */
export const rebuiltHeader = 'x-liferaft-rebuilt';
/** Says how many bytes of that liferaft are there already, of which only the rest is sent. */
export const offsetHeader = 'x-liferaft-offset';

/** What a host has, told to those who keep it. */
export interface Heartbeat {
  digest: string;
  lineage: string;
  generation: number;
}

/** What they have of it. */
export interface HeartbeatAnswer {
  /** Whether they have that very liferaft. */
  held: boolean;
  /** Of the one that they have, if any. */
  lineage?: string;
  generation?: number;
  /** The id of who answers; an older version does not tell it. */
  host?: string;
  /** How many bytes have come of the one that was asked for, before its connection was cut. */
  partial?: number;
}

/** Who asks, and by which key: what TLS calls the identity of a pre-shared key. */
export interface PeerIdentity {
  hostId: string;
  keyId: string;
}

export function identityText({ hostId, keyId }: PeerIdentity): string {
  return `${hostId}.${keyId}`;
}

/** @returns undefined for what is none of ours; it comes from anybody */
export function parseIdentity(text: string): PeerIdentity | undefined {
  const [hostId = '', keyId = '', ...more] = text.split('.');
  return more.length === 0 && hostIdPattern.test(hostId) && /^[0-9a-f]{8}$/.test(keyId)
    ? { hostId, keyId }
    : undefined;
}
