import { createHmac } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { deflateSync } from 'node:zlib';

import { envelopeOf } from '../../../src/amphora/heartbeat/envelope.ts';
import { type BeatListener, payloadOf } from '../../../src/amphora/heartbeat/payload.ts';

export const beatKey = 'a-key-of-heartbeats-0123456789';

/** A heartbeat as our agent sends it. */
export function beatBytes(
  amphora: string,
  seq: number,
  listeners: readonly BeatListener[],
  { version = 3, key = beatKey }: { version?: 1 | 3; key?: string } = {},
): Buffer {
  const { bytes } = envelopeOf(payloadOf({ amphora, seq, listeners }, version), key);
  if (bytes === undefined) throw new Error('it does not fit into a datagram');
  return bytes;
}

/** Any text, compressed and signed. Agents before 2018 sign with bytes. */
export function signedBytes(text: string | Buffer, isRaw = false): Buffer {
  const compressed = deflateSync(text, { level: 9 });
  const hmac = createHmac('sha256', beatKey).update(compressed);
  return Buffer.concat([compressed, isRaw ? hmac.digest() : Buffer.from(hmac.digest('hex'))]);
}

/** A listener with one pool, as a heartbeat has it. */
export function beatListener(
  id: string,
  stats: Partial<BeatListener['stats']> = {},
  members: Readonly<Record<string, string>> = {},
): BeatListener {
  const zeros = { tx: 0, rx: 0, conns: 0, totconns: 0, ereq: 0 };
  const all = Object.entries(members).map(([member, status]) => ({ id: member, status }));
  const pool = { name: `pool-1:${id}`, status: 'UP', members: all };
  return { id, status: 'OPEN', stats: { ...zeros, ...stats }, pools: [pool] };
}

/** Sends datagrams to a port of this host. */
export async function openSender(port: number) {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    send: (bytes: Buffer) =>
      new Promise<void>((resolve, reject) => {
        socket.send(bytes, port, '127.0.0.1', (error) => {
          if (error) reject(error);
          else resolve();
        });
      }),
    close: () => {
      socket.close();
    },
  };
}
