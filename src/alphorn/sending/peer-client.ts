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

/** Speaks to one destination, over one connection that stays open between two heartbeats. */
export interface PeerClient {
  /**
   * Tells what this host has, and asks what is there of it.
   * Faults: `peer_unreachable`, `peer_refused`, `alphorn_without_key`, `alphorn_key_refused`
   */
  heartbeat(own: Heartbeat): Promise<HeartbeatAnswer>;
  /**
   * Sends this host's liferaft. When it returns, the liferaft is on the other's disk.
   * Faults: `peer_unreachable`, `peer_refused`, `alphorn_without_key`, `alphorn_key_refused`, `liferaft_damaged` of the own one
   */
  push(liferaft: Sendable, how: Pushing): Promise<void>;
  /** Ends what is under way. */
  close(): void;
}

/** How a liferaft is sent. */
export interface Pushing {
  /** That the count of generations was begun anew. */
  rebuilt: boolean;
  /** How many bytes are there already. */
  offset: number;
}

export interface PeerDeadlines {
  /** Until a heartbeat is answered, the connection made for it included. */
  heartbeatMs: number;
  /** For which nothing may move while a liferaft is sent, until it is on the other's disk. */
  stallMs: number;
  /** For all of it. */
  pushMs: number;
}

/** The receiver gives up after half a minute without a byte, and after ten minutes. */
export const usualDeadlines: PeerDeadlines = {
  heartbeatMs: 10_000,
  stallMs: 60_000,
  pushMs: 660_000,
};

/** What a peer client needs besides where it is to connect to. */
export interface PeerClientParts {
  /** Of this host, which it is known by on the other side. */
  hostId: string;
  keys: KeyRing;
  /** Headers that tell more of this host; none if nothing is said. */
  describeHost?: () => Promise<Record<string, string>>;
  /** Looks names up; as the system does, if nothing is said. */
  lookup?: typeof dns.lookup;
}

export function makePeerClient(
  destination: Destination,
  { hostId, keys, describeHost = () => Promise.resolve({}), lookup = dns.lookup }: PeerClientParts,
  deadlines: PeerDeadlines = usualDeadlines,
): PeerClient {
  const name = nameOf(destination);
  let line: Line | undefined;
  /** Of the other side of the connection that there is. */
  let connectedTo: string | undefined;

  /** The connection that there is, if its key is this one, or one that is made when it is used. */
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

  /** Ends a connection to an address that the name has no more. If nobody knows the name now, it stays. */
  async function followName(): Promise<void> {
    const { host } = destination;
    if (connectedTo === undefined || isIP(host) !== 0) return;
    const addresses = await addressesOf(host, lookup);
    if (addresses.length > 0 && !addresses.includes(connectedTo)) hangUp();
  }

  /** The key that was good the last time before the others. */
  function keysToTry(): PeerKey[] {
    const all = [...keys.all()];
    const last = all.findIndex(({ id }) => id === line?.keyId);
    if (last > 0) all.unshift(...all.splice(last, 1));
    if (all.length === 0) throw withoutKey(keys.refusal());
    return all;
  }

  /** Faults: `peer_refused`, and `peer_unreachable` if it takes too long; any other error is the connection's. */
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
      // Who refuses does not wait for the end.
      const response = await Promise.race([answered, sent.then(() => answered)]);
      const text = await textOf(response);
      if (response.statusCode !== 200) throw refused(name, response.statusCode, text);
      return text;
    } catch (error) {
      if (error instanceof Fault) throw error;
      throw timeout.fault() ?? new LineBroken(error, request.reusedSocket);
    } finally {
      timeout.end();
      // Else what is left of a liferaft that nobody wants would be sent.
      if (!request.writableFinished) request.destroy();
      await sent.catch(() => undefined);
    }
  }

  /** Tries one key after another, as long as the other side does not know them. */
  async function askByAnyKey(question: Question): Promise<string> {
    for (const key of keysToTry()) {
      try {
        return await ask(key, question).catch((error: unknown) => {
          // The other side may have closed a connection that nobody used for a while, just as we did.
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
  /** Writes the body to its end, and tells when some of it is gone. */
  send(request: ClientRequest, progress: () => void): Promise<void>;
}
