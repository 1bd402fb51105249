import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import dns from 'node:dns';
import https from 'node:https';
import { isIP, isIPv6 } from 'node:net';

import { z } from 'zod';

import { setDeadline } from '../../kit/concurrency/deadline.ts';
import { Fault, systemErrorCode } from '../../kit/fault.ts';
import type { KeyRing, PeerKey } from '../peers/keys.ts';
import type { LiferaftFile } from '../format/liferaft-file.ts';
import { hostIdPattern } from '../format/manifest.ts';
import {
  digestHeader,
  type Heartbeat,
  type HeartbeatAnswer,
  identityText,
  offsetHeader,
  peerRoutes,
  peerTls,
  rebuiltHeader,
} from '../peers/peer-protocol.ts';
import type { Destination } from '../settings.ts';

/** Speaks to one destination, over one connection that stays open between two heartbeats. */
export interface PeerClient {
  /**
   * Tells what this host has, and asks what is there of it.
   * Faults: `peer_unreachable`, `peer_refused`, `alphorn_without_key`, `alphorn_key_refused`
   */
  heartbeat(told: Heartbeat): Promise<HeartbeatAnswer>;
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

/** What is sent of a liferaft. */
export type Sendable = Pick<LiferaftFile, 'digest' | 'size' | 'readInto'>;

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

/** Of one read of the disk and one write to the connection. Two of them are in use at a time. */
const pieceBytes = 1024 * 1024;
/** What is read of an answer. */
const longestAnswer = 64 * 1024;

const answerSchema = z.object({
  held: z.boolean(),
  lineage: z.string().optional(),
  generation: z.number().optional(),
  host: z.string().regex(hostIdPattern).optional(),
  partial: z.number().int().min(0).optional(),
});
const problemSchema = z.object({ code: z.string().max(100), detail: z.string().max(2000) });

/** What a peer client needs besides where it is to connect to. */
export interface PeerClientParts {
  /** Of this host, which it is known by on the other side. */
  hostId: string;
  keys: KeyRing;
  /** Headers that tell more of this host; none if nothing is said. */
  tell?: () => Promise<Record<string, string>>;
  /** Looks names up; as the system does, if nothing is said. */
  lookup?: typeof dns.lookup;
}

export function makePeerClient(
  destination: Destination,
  { hostId, keys, tell = () => Promise.resolve({}), lookup = dns.lookup }: PeerClientParts,
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
    const told = { ...headers, ...(await tell()) };
    const request = https.request({ agent, host, port, method, path, headers: told });
    request.once('socket', (socket) => {
      const note = () => (connectedTo = socket.remoteAddress);
      if (socket.connecting) socket.once('connect', note);
      else note();
    });
    const patience = makePatience(name, question.deadlines, request);
    const answered = answerOf(request);
    const sent = question.send(request, patience.extend);
    try {
      // Who refuses does not wait for the end.
      const response = await Promise.race([answered, sent.then(() => answered)]);
      const text = await textOf(response);
      if (response.statusCode !== 200) throw refused(name, response.statusCode, text);
      return text;
    } catch (error) {
      if (error instanceof Fault) throw error;
      throw patience.fault() ?? new LineBroken(error, request.reusedSocket);
    } finally {
      patience.end();
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
    async heartbeat(told) {
      await followName();
      const body = JSON.stringify(told);
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
  deadlines: Patience['deadlines'];
  /** Writes the body to its end, and tells when some of it is gone. */
  send(request: ClientRequest, progress: () => void): Promise<void>;
}

/** A connection by one key. */
interface Line {
  keyId: string;
  agent: https.Agent;
}

/** That a connection ended, or did not come about, without an answer. */
class LineBroken extends Error {
  /** Whether it had been used before. */
  readonly wasInUse: boolean;
  constructor(cause: unknown, wasInUse: boolean) {
    super('The connection broke.', { cause });
    this.wasInUse = wasInUse;
  }
}

function openLine(key: PeerKey, hostId: string, lookup: typeof dns.lookup): Line {
  const identity = identityText({ hostId, keyId: key.id });
  const agent = new https.Agent({
    ...peerTls,
    ...{ keepAlive: true, keepAliveMsecs: 15_000, maxSockets: 1, maxCachedSessions: 0, lookup },
    pskCallback: () => ({ psk: key.secret, identity }),
    // The other side proves itself by the key. One that comes with a certificate instead is a stranger, whoever
    // signed it.
    ca: [],
    checkServerIdentity: () => new Error('It came with a certificate instead of the key.'),
  });
  return { keyId: key.id, agent };
}

/** Reads from the disk what comes next while the piece before is on its way. */
async function sendBody(
  request: ClientRequest,
  { size, readInto }: Sendable,
  offset: number,
  progress: () => void,
): Promise<void> {
  let [piece, spare] = [Buffer.allocUnsafe(pieceBytes), Buffer.allocUnsafe(pieceBytes)];
  // Node.js may never call back for what was written to a request whose connection is gone.
  const closed = new Promise<never>((_resolve, reject) => {
    request.once('close', () => {
      reject(new Error('It was closed before all was sent.'));
    });
  });
  closed.catch(() => undefined);
  try {
    let reading = readInto(piece, offset);
    for (let at = offset; at < size;) {
      const bytes = await reading;
      const next = at + bytes;
      if (next < size) {
        reading = readInto(spare, next);
        // It is waited for later, if the piece before gets away.
        reading.catch(() => undefined);
      }
      await Promise.race([written(request, piece.subarray(0, bytes)), closed]);
      progress();
      [piece, spare] = [spare, piece];
      at = next;
    }
    request.end();
  } catch (error) {
    request.destroy(error as Error);
    throw error;
  }
}

function written(request: ClientRequest, piece: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    request.write(piece, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

function answerOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    // Not once: a connection may break in more than one way.
    request.on('error', reject);
    request.once('close', () => {
      reject(new Error('It was closed without an answer.'));
    });
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  for await (const piece of response as AsyncIterable<string>) {
    text += piece;
    if (text.length > longestAnswer) throw new Error('The answer has no end.');
  }
  return text;
}

interface Patience {
  deadlines: {
    /** For which nothing may happen. */
    stallMs: number;
    /** For all of it. */
    allMs: number;
  };
  /** Something happened. */
  extend: () => void;
  /** That it took too long, if it did. */
  fault(): Fault | undefined;
  end(): void;
}

function makePatience(
  name: string,
  deadlines: Patience['deadlines'],
  request: ClientRequest,
): Patience {
  let expired: number | undefined;
  const giveUp = (ms: number) => () => {
    expired = ms;
    request.destroy(new Error('It took too long.'));
  };
  const stall = setDeadline(deadlines.stallMs, giveUp(deadlines.stallMs));
  const all = setDeadline(deadlines.allMs, giveUp(deadlines.allMs));
  return {
    deadlines,
    extend: () => {
      stall.restart();
    },
    fault: () =>
      expired === undefined
        ? undefined
        : new Fault(
            'peer_unreachable',
            `${name} did not answer within ${expired / 1000} s. Look whether it is up and its network is: ha-agent-peers has to run there ('systemctl status ha-agent-peers').`,
          ),
    end() {
      stall.cancel();
      all.cancel();
    },
  };
}

function parseAnswer(name: string, text: string): HeartbeatAnswer {
  const { held, lineage, generation, host, partial } = orRefused(name, () =>
    answerSchema.parse(JSON.parse(text)),
  );
  return {
    held,
    ...(lineage !== undefined && { lineage }),
    ...(generation !== undefined && { generation }),
    ...(host !== undefined && { host }),
    ...(partial !== undefined && { partial }),
  };
}

function orRefused<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch {
    throw new Fault(
      'peer_refused',
      `${name} answers as no ha-agent does. Install the same version there as here.`,
    );
  }
}

/** Of an answer that is a refusal; its words are the other side's. */
function refused(name: string, status: number | undefined, text: string): Fault {
  const { code, detail } = orRefused(name, () => problemSchema.parse(JSON.parse(text)));
  return new Fault('peer_refused', `${name} refused (${status ?? '?'} ${code}): ${detail}`);
}

function unknownThere(name: string, refusal: string | undefined): Fault {
  return new Fault(
    'peer_refused',
    `${refusal === undefined ? '' : `${refusal} `}${name} knows none of this host's keys. It has to be a node of the same cluster, or to have the same /etc/alphorn/key ('hactl alphorn key export' here, 'hactl alphorn key import' there).`,
  );
}

function withoutKey(refusal: string | undefined): Fault {
  if (refusal !== undefined) return new Fault('alphorn_key_refused', refusal);
  return new Fault(
    'alphorn_without_key',
    "This host has no key that another could know it by. Make it a node of a cluster; or make a key ('hactl alphorn key generate') and carry it to its destinations ('export' here, 'import' there).",
  );
}

/**
 * Whether the other side did not take the key, by the alerts of RFC 8446, section 6.2: 40 if it knows none of that
 * name (and has no certificate instead), 51 if it knows another of that name, for which OpenSSL before 3.2 says 47.
 */
function isKeyRefused(error: unknown): boolean {
  return error instanceof Error && /SSL alert number (?:40|47|51)\b/.test(error.message);
}

/** What to do about the system's and OpenSSL's errors, by their codes. */
function unreachable(destination: Destination, error: unknown): Fault {
  const { host, port } = destination;
  const isStranger = error instanceof Error && /certificate/i.test(error.message);
  const code = isStranger ? 'EPROTO' : (systemErrorCode(error) ?? '');
  const messages: Partial<Record<string, string>> = {
    ECONNREFUSED: `Nobody listens on port ${port} of ${host}. Start the service there ('systemctl start ha-agent'), or correct the destination.`,
    ENOTFOUND: `The name ${host} is not known. Correct the destination, or make the name known to this host.`,
    EAI_AGAIN: `The name ${host} cannot be looked up, for no name server answers. Mend that, or give the destination by its address.`,
    EHOSTUNREACH: `${host} cannot be reached from this host. Look whether it is up, and at the network between.`,
    ENETUNREACH: `There is no way from this host to ${host}. Look at the routes ('ip route').`,
    EPROTO: `What listens on port ${port} of ${host} is not a peer port of ha-agent. Correct the destination.`,
  };
  const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
  const message =
    messages[code] ??
    `The connection to ${nameOf(destination)} broke: ${[code, reason].filter(Boolean).join(', ')}. It is tried again; if it stays so, look at 'journalctl -u ha-agent-peers' there.`;
  return new Fault('peer_unreachable', message);
}

/** None if the name is not known, or no name server answers. */
function addressesOf(host: string, lookup: typeof dns.lookup): Promise<string[]> {
  return new Promise((resolve) => {
    lookup(host, { all: true }, (error, addresses) => {
      resolve(error ? [] : addresses.map(({ address }) => address));
    });
  });
}

/** As it stands in the settings. */
export function nameOf({ host, port }: Destination): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
