import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import tls, { type PeerCertificate } from 'node:tls';

import { buildConnector, Client } from 'undici';
import * as z from 'zod';

import { Fault } from '../../kit/fault.ts';
import type { JoinPin } from '../certificates/join-tokens.ts';
import { plainFingerprint } from '../certificates/life.ts';
import { controllerName } from '../certificates/own.ts';
import type { Joined, JoinRequest } from './join.ts';

const deadlineMs = 30_000;
const connectMs = 10_000;
const maxAnswerBytes = 256 * 1024;

const joinedSchema = z.object({
  id: z.number().int(),
  certificate: z.string(),
  authority: z.string(),
  store: z.string(),
});

/** The request of a host; without `host`, the controller takes the address that it sees. */
export type JoinBody = Omit<JoinRequest, 'host'> & { host?: string };

/**
 * Asks a controller to take this host in. The controller shows first that it is the one of the join token; only then the
 * secret is sent.
 * @param url of the controller, such as https://192.0.2.1:9876
 * @param path of the route at which hosts join
 * Faults: `controller_unreachable`, `join_refused` if it is another controller, or with the controller's own sentence
 */
export async function askToJoin(
  url: URL,
  path: string,
  pin: JoinPin,
  body: JoinBody,
): Promise<Joined> {
  const client = new Client(url.origin, { connect: await connectorTo(url, pin) });
  try {
    const { statusCode, text } = await post(client, path, body);
    const json = jsonOf(text);
    if (statusCode === 200) return joinedSchema.parse(json);
    throw refusedBy(url, statusCode, json);
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw unreachable(url, (error as Error).message);
  } finally {
    await client.destroy();
  }
}

async function post(
  client: Client,
  path: string,
  body: JoinBody,
): Promise<{ statusCode: number; text: string }> {
  const { statusCode, body: answer } = await client.request({
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(deadlineMs),
  });
  let text = '';
  for await (const piece of answer) {
    text += String(piece);
    if (text.length > maxAnswerBytes) throw new Error('Its answer has no end.');
  }
  return { statusCode, text };
}

/** Connects only to a server that shows what the token names. */
async function connectorTo(url: URL, pin: JoinPin): Promise<buildConnector.connector> {
  const shown = await shownBy(url);
  const pinned = shown.find((each) => plainFingerprint(each.fingerprint256) === pin.fingerprint);
  const isThere = pin.kind === 'leaf' ? pinned === shown[0] : pinned?.ca === true;
  if (pinned === undefined || !isThere) throw otherController(url);
  // Its chain must end in that authority, and it must be the controller: nodes have certificates of the same authority.
  if (pin.kind === 'ca') {
    return buildConnector({
      timeout: connectMs,
      ca: pinned.toString(),
      maxCachedSessions: 0,
      checkServerIdentity: (_host: string, { raw }: PeerCertificate) =>
        isController(raw) ? undefined : otherController(url),
    });
  }
  // Whoever has the key of this very certificate is the controller, whoever has signed it.
  const connect = buildConnector({
    timeout: connectMs,
    rejectUnauthorized: false,
    maxCachedSessions: 0,
  });
  return (options, callback) => {
    connect(options, (error, socket) => {
      if (error) {
        callback(error, null);
        return;
      }
      const leaf = (socket as tls.TLSSocket).getPeerX509Certificate();
      if (leaf && plainFingerprint(leaf.fingerprint256) === pin.fingerprint) callback(null, socket);
      else {
        socket.destroy();
        callback(otherController(url), null);
      }
    });
  };
}

function isController(raw: Buffer): boolean {
  return new X509Certificate(raw).checkHost(controllerName) !== undefined;
}

/** The certificates that the server shows, its own first. Nothing is sent to it. Faults: `controller_unreachable` */
async function shownBy(url: URL): Promise<X509Certificate[]> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const socket = tls.connect({
    host,
    port: Number(url.port || 443),
    rejectUnauthorized: false,
    timeout: connectMs,
  });
  socket.on('timeout', () => socket.destroy(new Error('No answer within 10 s.')));
  try {
    await once(socket, 'secureConnect');
    const shown: X509Certificate[] = [];
    let next = socket.getPeerX509Certificate();
    while (next && shown.length < 10) {
      shown.push(next);
      next = next.issuerCertificate;
    }
    return shown;
  } catch (error) {
    throw unreachable(url, (error as Error).message);
  } finally {
    socket.destroy();
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function otherController(url: URL): Fault {
  return new Fault(
    'join_refused',
    `Another server answers at ${url.origin} than the controller that made the join token, so nothing was sent to it. Check the address, and make a token on that controller with 'hactl node token'.`,
  );
}

function unreachable(url: URL, why: string): Fault {
  return new Fault(
    'controller_unreachable',
    `The controller at ${url.origin} gives no answer (${why.replace(/\.$/, '').slice(0, 300)}). See 'systemctl status ha-controller' there, and whether its port is reachable; if the token was used up, make another one.`,
  );
}

/** Text of another host, so its length is bounded. */
function refusedBy(url: URL, status: number, json: unknown): Fault {
  const { detail } = (typeof json === 'object' && json !== null ? json : {}) as {
    detail?: unknown;
  };
  const sentence = typeof detail === 'string' ? detail.slice(0, 1000) : '';
  return new Fault(
    'join_refused',
    sentence || `The controller at ${url.origin} answers ${status}.`,
  );
}
