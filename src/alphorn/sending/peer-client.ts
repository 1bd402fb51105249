import dns from 'node:dns';
import type { ClientRequest, OutgoingHttpHeaders } from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';

import { Fault } from '../../kit/fault.ts';
import type { KeyRing, PeerKey } from '../peers/keys.ts';
import {
  digestHeader,
  type Heartbeat,
  type HeartbeatAnswer,
  offsetHeader,
  peerRoutes,
  rebuiltHeader,
} from '../peers/peer-protocol.ts';
import type { Destination } from '../settings.ts';
import { addressesOf, isKeyRefused, type Line, LineBroken, openLine } from './peer-connection.ts';
import {
  nameOf,
  parseAnswer,
  refused,
  unknownThere,
  unreachable,
  withoutKey,
} from './peer-faults.ts';
import {
  answerOf,
  startTimeout,
  type RequestTimeout,
  type Sendable,
  sendBody,
  textOf,
} from './peer-request.ts';

/** Speaks to one destination over one connection, which stays open between heartbeats. */
export interface PeerClient {
  /**
   * Tells the destination which liferaft this host has, and asks which one is there.
   * Faults: `peer_unreachable`, `peer_refused`, `alphorn_without_key`, `alphorn_key_refused`
   */
  heartbeat(own: Heartbeat): Promise<HeartbeatAnswer>;
  /**
   * Sends this host's liferaft. When this returns, the liferaft is on the destination's disk.
   * Faults: `peer_unreachable`, `peer_refused`, `alphorn_without_key`, `alphorn_key_refused`; `liferaft_damaged` if the
   * own one is
   */
  push(liferaft: Sendable, how: Pushing): Promise<void>;
  /** Cancels what is under way. */
  close(): void;
}

/** How a liferaft is sent. */
export interface Pushing {
  /** Whether the host has begun a new count of generations. */
  rebuilt: boolean;
  /** How many bytes are already there. */
  offset: number;
}

export interface PeerDeadlines {
  /** Max time until a heartbeat is answered, including the time to connect. */
  heartbeatMs: number;
  /** Max time without progress while a liferaft is sent. */
  stallMs: number;
  /** Max time to send a liferaft. */
  pushMs: number;
}

/** The receiver gives up after half a minute without a byte, and after ten minutes. */
export const usualDeadlines: PeerDeadlines = {
  heartbeatMs: 10_000,
  stallMs: 60_000,
  pushMs: 660_000,
};

/** What a peer client needs in addition to its destination. */
export interface PeerClientParts {
  /** The id of this host. */
  hostId: string;
  keys: KeyRing;
  /** Returns headers that describe this host (default: none). */
  describeHost?: () => Promise<Record<string, string>>;
  /** Looks names up (default: as the system does). */
  lookup?: typeof dns.lookup;
}

export function makePeerClient(
  destination: Destination,
  { hostId, keys, describeHost = () => Promise.resolve({}), lookup = dns.lookup }: PeerClientParts,
  deadlines: PeerDeadlines = usualDeadlines,
): PeerClient {
  const name = nameOf(destination);
  let line: Line | undefined;
  /** The address at the other end of the connection. */
  let connectedTo: string | undefined;

  /** Returns the present connection if it uses this key; otherwise a new one, which is made when it is first used. */
  function lineBy(key: PeerKey): Line {
    if (line?.keyId === key.id) return line;
    hangUp();
    line = openLine(key, hostId, lookup);
    return line;
  }

  function hangUp(): void {
    line?.agent.destroy();
    line = undefined;
    connectedTo = undefined;
  }

  /** Ends the connection if the name has another address by now. If the name is unknown now, the connection stays. */
  async function followName(): Promise<void> {
    const { host } = destination;
    if (connectedTo === undefined || isIP(host) !== 0) return;
    const addresses = await addressesOf(host, lookup);
    if (addresses.length > 0 && !addresses.includes(connectedTo)) hangUp();
  }

  /** All keys; the one that last worked comes first. */
  function keysToTry(): PeerKey[] {
    const all = [...keys.all()];
    const last = all.findIndex(({ id }) => id === line?.keyId);
    if (last > 0) all.unshift(...all.splice(last, 1));
    if (all.length === 0) throw withoutKey(keys.refusal());
    return all;
  }

  /**
   * Asks by one key.
   * Faults: `peer_refused`; `peer_unreachable` if it takes too long
   * @throws LineBroken if the connection breaks
   */
  async function ask(key: PeerKey, question: Question): Promise<string> {
    const { method, path, headers } = question;
    const { host, port } = destination;
    const { agent } = lineBy(key);
    const sentHeaders = { ...headers, ...(await describeHost()) };
    const request = https.request({ agent, host, port, method, path, headers: sentHeaders });
    request.once('socket', (socket) => {
      const note = () => (connectedTo = socket.remoteAddress);
      if (socket.connecting) socket.once('connect', note);
      else note();
    });
    const timeout = startTimeout(name, question.deadlines, request);
    const answered = answerOf(request);
    const sent = question.send(request, timeout.extend);
    try {
      // A destination that refuses answers before it has read everything.
      const response = await Promise.race([answered, sent.then(() => answered)]);
      const text = await textOf(response);
      if (response.statusCode !== 200) throw refused(name, response.statusCode, text);
      return text;
    } catch (error) {
      if (error instanceof Fault) throw error;
      throw timeout.fault() ?? new LineBroken(error, request.reusedSocket);
    } finally {
      timeout.end();
      // Otherwise the rest of a refused liferaft would still be sent.
      if (!request.writableFinished) request.destroy();
      await sent.catch(() => undefined);
    }
  }

  /** Tries one key after another until the other side knows one. */
  async function askByAnyKey(question: Question): Promise<string> {
    for (const key of keysToTry()) {
      try {
        return await ask(key, question).catch((error: unknown) => {
          // The other side may have just closed a connection that was idle for a while.
          if (error instanceof LineBroken && error.wasInUse) return ask(key, question);
          throw error;
        });
      } catch (error) {
        if (!(error instanceof LineBroken)) throw error;
        hangUp();
        if (!isKeyRefused(error.cause)) throw unreachable(destination, error.cause);
      }
    }
    throw unknownThere(name, keys.refusal());
  }

  return {
    async heartbeat(own) {
      await followName();
      const body = JSON.stringify(own);
      const text = await askByAnyKey({
        method: 'POST',
        path: peerRoutes.heartbeat,
        headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) },
        deadlines: { stallMs: deadlines.heartbeatMs, allMs: deadlines.heartbeatMs },
        send(request) {
          request.end(body);
          return Promise.resolve();
        },
      });
      return parseAnswer(name, text);
    },

    async push(liferaft, { rebuilt, offset }) {
      await askByAnyKey({
        method: 'PUT',
        path: peerRoutes.liferaft,
        headers: {
          'Content-Type': 'application/x-tar',
          'Content-Length': liferaft.size - offset,
          [digestHeader]: liferaft.digest,
          ...(rebuilt && { [rebuiltHeader]: 'true' }),
          ...(offset > 0 && { [offsetHeader]: String(offset) }),
        },
        deadlines: { stallMs: deadlines.stallMs, allMs: deadlines.pushMs },
        send: (request, progress) => sendBody(request, liferaft, offset, progress),
      });
    },

    close: hangUp,
  };
}

interface Question {
  method: 'POST' | 'PUT';
  path: string;
  headers: OutgoingHttpHeaders;
  deadlines: RequestTimeout['deadlines'];
  /** Writes the whole body, and calls `progress` after each part. */
  send(request: ClientRequest, progress: () => void): Promise<void>;
}
