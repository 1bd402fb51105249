import type { PeerCertificate } from 'node:tls';

import { Pool } from 'undici';

import { hostAndPort } from '../../kit/addresses.ts';
import { Fault } from '../../kit/fault.ts';
import { plainFingerprint } from '../certificates/life.ts';
import type { KeyPair } from '../certificates/signer.ts';
import type { NodeAnswer, NodeTextRequest } from './nodes.ts';

/** Max number of requests of families to one node at once. */
export const maxNodeRequests = 4;
/** A report of 500 instances has some 200 KB. */
const maxAnswerBytes = 2 * 1024 * 1024;
/** The largest file that an agent takes. */
const maxFileBytes = 8 * 1024 * 1024;
/** A long poll, an order and a question at once, and requests of families beside them. */
const connections = 3 + maxNodeRequests;
/** The kernel sends a second packet after a second, and the third one would come too late. */
const connectMs = 2000;

export interface NodeClientOptions {
  host: string;
  port: number;
  /** The certificate of the authority. */
  authority: string;
  client: KeyPair;
  /**
   * Judges the certificate that the node shows, which the authority has signed.
   * @param fingerprint its SHA-256 in lower-case hexadecimal
   * @returns why it is not accepted, in one sentence
   */
  judge: (fingerprint: string, common: string) => string | undefined;
}

/** The connections to one node's agent. */
export interface NodeClient {
  /**
   * @param deadlineMs until the whole answer is there
   * @returns the JSON of an answer with a status below 300
   * Faults: `node_unreachable` with a sentence on why, NodeRefused
   */
  ask(request: NodeRequest, deadlineMs: number, signal?: AbortSignal): Promise<unknown>;
  /**
   * @param deadlineMs until the whole answer is there
   * @returns the answer, whatever its status is
   * Faults: `node_unreachable` with a sentence on why
   */
  send(request: NodeTextRequest, deadlineMs: number, signal?: AbortSignal): Promise<NodeAnswer>;
  /** Ends all connections. Requests that wait fail. */
  close(): Promise<void>;
}

export interface NodeRequest {
  method: 'GET' | 'PUT' | 'POST';
  path: string;
  body?: object;
}

export function makeNodeClient(options: NodeClientOptions): NodeClient {
  const { host, port, authority, client, judge } = options;
  const where = hostAndPort(host, port);
  const pool = new Pool(`https://${where}`, {
    connections,
    pipelining: 1,
    connect: {
      timeout: connectMs,
      ca: authority,
      cert: client.certificate,
      key: client.key,
      minVersion: 'TLSv1.2',
      // The name of a node's certificate is not that of its host: the fingerprint decides.
      checkServerIdentity: (_host: string, certificate: PeerCertificate) => {
        const why = judge(plainFingerprint(certificate.fingerprint256), commonNameOf(certificate));
        return why === undefined ? undefined : new CertificateRefused(why);
      },
      // A session that is resumed shows no certificate.
      maxCachedSessions: 0,
    },
    keepAliveTimeout: 60_000,
  });

  async function exchange(
    { method, path, body, headers }: Exchange,
    {
      deadlineMs,
      maxBytes,
      signal,
    }: { deadlineMs: number; maxBytes: number; signal?: AbortSignal },
  ): Promise<NodeAnswer> {
    const deadline = AbortSignal.timeout(deadlineMs);
    try {
      const answer = await pool.request({
        ...{ method, path, headers },
        body: body ?? null,
        signal: signal ? AbortSignal.any([deadline, signal]) : deadline,
        headersTimeout: deadlineMs,
        bodyTimeout: deadlineMs,
      });
      const text = await textOf(answer.body, maxBytes);
      return { status: answer.statusCode, headers: firstOfEach(answer.headers), text };
    } catch (error) {
      throw unreachable(where, whyNot(error, deadline));
    }
  }

  return {
    async ask({ method, path, body }, deadlineMs, signal) {
      const { status, text } = await exchange(
        {
          ...{ method, path },
          ...(body !== undefined && { body: JSON.stringify(body) }),
          headers: body === undefined ? {} : { 'content-type': 'application/json' },
        },
        { deadlineMs, maxBytes: maxAnswerBytes, ...(signal && { signal }) },
      );
      const json = jsonOf(text);
      if (status < 300 && json !== undefined) return json;
      throw status < 300
        ? unreachable(where, 'its answer cannot be read')
        : refusal(where, status, json);
    },
    send({ method, path, text, type, headers = {} }, deadlineMs, signal) {
      const typed = type === undefined ? {} : { 'content-type': type };
      return exchange(
        {
          ...{ method, path },
          ...(text !== undefined && { body: text }),
          headers: { ...headers, ...typed },
        },
        { deadlineMs, maxBytes: maxFileBytes, ...(signal && { signal }) },
      );
    },
    close: () => pool.destroy(),
  };
}

interface Exchange {
  method: NodeTextRequest['method'];
  path: string;
  body?: string;
  headers: Readonly<Record<string, string>>;
}

/** A header that comes twice counts once. */
function firstOfEach(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  const all = Object.entries(headers).map(([name, value]) => [
    name.toLowerCase(),
    [value ?? ''].flat()[0] ?? '',
  ]);
  return Object.fromEntries(all) as Record<string, string>;
}

/** A fault `node_refused` with the node's own sentence. */
export class NodeRefused extends Fault {
  /** The node's own code, such as `node_orders_stale`; empty if it sent none. */
  readonly reason: string;
  /** The status of its answer. */
  readonly status: number;

  constructor(reason: string, sentence: string, status: number) {
    super('node_refused', sentence);
    this.reason = reason;
    this.status = status;
  }
}

class CertificateRefused extends Error {
  override readonly name = 'CertificateRefused';
}

function commonNameOf({ subject }: PeerCertificate): string {
  const common: unknown = (subject as Partial<typeof subject> | undefined)?.CN;
  return typeof common === 'string' ? common : '';
}

/** Faults: an error for a body that is too long */
async function textOf(body: AsyncIterable<Buffer>, maxBytes: number): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of body) {
    length += piece.length;
    if (length > maxBytes) throw new Error('its answer has no end');
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unreachable(where: string, why: string): Fault {
  return new Fault(
    'node_unreachable',
    `The agent at ${where} gives no answer: ${why}. See 'systemctl status ha-amphora' on that host, and whether its port is reachable.`,
  );
}

/** The reason in a few words. */
function whyNot(error: unknown, deadline: AbortSignal): string {
  if (deadline.aborted) return 'it took too long';
  const { message, code } = error as NodeJS.ErrnoException;
  if (error instanceof CertificateRefused) return message.replace(/\.$/, '');
  switch (code) {
    case 'ECONNREFUSED':
      return 'nothing listens there';
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
      return 'no connection within 2 s';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'there is no route to it';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its name has no address';
    case 'ECONNRESET':
    case 'UND_ERR_SOCKET':
      return 'it hung up';
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'CERT_SIGNATURE_FAILURE':
      return 'it shows a certificate that this controller has not signed';
    case 'CERT_HAS_EXPIRED':
      return 'its certificate has expired, so let it join again';
    default:
      return (code ?? message.split('\n')[0] ?? 'it failed').slice(0, 200);
  }
}

/** It is text from another host, so its length is bounded. */
function refusal(where: string, status: number, json: unknown): NodeRefused {
  const fields = (typeof json === 'object' && json !== null ? json : {}) as Record<string, unknown>;
  const textIn = (name: string, length: number) => {
    const value = fields[name];
    return typeof value === 'string' ? value.slice(0, length) : '';
  };
  const sentence = textIn('detail', 1000) || `The agent at ${where} answers ${status}.`;
  return new NodeRefused(textIn('code', 64), sentence, status);
}
