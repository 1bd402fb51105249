import { hkdfSync } from 'node:crypto';
import https from 'node:https';
import type { ConnectionOptions } from 'node:tls';

import { received } from './received.ts';

// A peer for tests, made from docs/security.md alone: how it signs in, and what it may send.

/** The identity and key of a peer. */
export interface Credentials {
  identity: string;
  psk: Buffer;
}

/** @param secret content of corosync's authkey, or the 32 bytes of /etc/alphorn/key */
export function credentialsOf(hostId: string, secret: Buffer): Credentials {
  const psk = Buffer.from(hkdfSync('sha256', secret, '', 'ha-agent alphorn peer key', 32));
  const keyId = Buffer.from(hkdfSync('sha256', psk, '', 'key id', 4)).toString('hex');
  return { identity: `${hostId}.${keyId}`, psk };
}

/** The options of a TLS connection with this key. */
export function pskOptions(credentials: Credentials): ConnectionOptions {
  return {
    pskCallback: () => credentials,
    ciphers: 'TLS_AES_128_GCM_SHA256',
    minVersion: 'TLSv1.3',
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  };
}

export interface PeerAnswer {
  status: number;
  json: unknown;
}

/** A request to a peer port, over a separate connection. */
export interface PeerCall {
  address: string;
  port?: number;
  credentials: Credentials;
  method: string;
  path: string;
  headers?: Record<string, string | number>;
  body?: Buffer;
  agent?: https.Agent;
}

/** The answer may come before the whole body was sent. Rejects if there is no answer. */
export async function callPeer(call: PeerCall): Promise<PeerAnswer> {
  const { address, port = 8444, credentials, method, path, headers, body, agent } = call;
  const { status, type, text } = await new Promise<{
    status: number;
    type: string | undefined;
    text: string;
  }>((resolve, reject) => {
    const request = https.request(
      {
        host: address,
        port,
        method,
        path,
        ...pskOptions(credentials),
        agent: agent ?? false,
        headers: { 'Content-Length': body?.length ?? 0, ...headers },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const { statusCode: status = 0 } = response;
          resolve({ status, type: response.headers['content-type'], text });
        });
      },
    );
    request.setTimeout(60_000, () => request.destroy(new Error('no answer in 60 s')));
    request.on('error', reject);
    request.end(body);
  });
  received({ method, url: path, sent: body?.toString() ?? '', status, type, text });
  return { status, json: text === '' ? undefined : (JSON.parse(text) as unknown) };
}
