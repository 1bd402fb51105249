import { peerRoutes } from '../../../src/alphorn/peers/peer-protocol.ts';
import type { Family } from '../../../src/server/table/family.ts';
import type { Field } from '../../../src/server/table/field.ts';
import type { Row } from '../../../src/server/table/row.ts';
import { liferaftOf, someLineage } from '../liferafts.ts';
import { asJson, type Body, damaged } from './bodies.ts';
import type { Sent } from './client.ts';
import type { ListenerName } from './hosts.ts';
import { type Dice, makeValues, type Pools, type Values } from './values.ts';

/** A request of a row, or bytes that may be one. */
export interface SentRequest extends Sent {
  family: string;
  listener: ListenerName;
  /** Undefined if the meaning of the bytes is unknown. */
  row?: Row;
  isDryRun: boolean;
  /** Whether the agent must refuse it. */
  isRefused: boolean;
}

/** A row with its family and its listener. */
export interface ServedRow {
  family: Family;
  listener: 'http' | 'peers' | 'daemon' | 'amphora';
  row: Row;
}

export interface Knowledge {
  rows: readonly ServedRow[];
  pools: Pools;
  /** The headers that browsers may send. */
  headers: readonly string[];
  /** Values for `If-Match`, each valid for some of the clusters. */
  versions: readonly string[];
  tokens: readonly [admin: string, ...others: string[]];
  /** Makes the body of a row that takes bytes. */
  bodies?: (row: Row, dice: Dice) => Body;
}

type Header = readonly [name: string, value: string];

const otherMethods = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
];
const generalHeaders = [
  'Prefer',
  'Accept',
  'Accept-Encoding',
  'Accept-Language',
  'Range',
  'If-Modified-Since',
  'Cookie',
  'X-HTTP-Method-Override',
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'Origin',
  'Referer',
  'Via',
  'Access-Control-Request-Method',
  'Access-Control-Request-Headers',
  'X-HA-Source',
  'X-HA-None',
  'Content-MD5',
  'Digest',
  'TE',
  'Connection',
  'Authorization',
  'Cache-Control',
  'Max-Forwards',
];
const headerValues = [
  '*',
  '"0.42"',
  '"0.1"',
  'W/"0.42"',
  '"x"',
  '0.42',
  '"0.42-abc", "1.1"',
  '"99999999999999999999.1"',
  'k1',
  'k2',
  'k3',
  'a'.repeat(255),
  'a'.repeat(256),
  'a'.repeat(4000),
  'respond-async',
  'wait=5',
  'DELETE',
  'keep-alive',
  'close',
  'upgrade',
  'trailers',
  'bytes=0-1',
  'https://evil.example',
  '',
];

/** Makes a request from one of the rows: as documented, nearly so, or hostile. */
export function askOf(knowledge: Knowledge, dice: Dice): SentRequest {
  const { chance, pick, below } = dice;
  const values = makeValues(dice, knowledge.pools);
  const { family, listener, row } = pick(knowledge.rows);
  // A fully documented request gets further.
  const wildness = pick([0, 0, 0, 0.15, 0.15, 0.5]);
  const odd = () => chance(wildness);
  const valueOf = (name: string, field: Field<unknown>) =>
    odd() ? values.wild() : values.valid(field.schema, `${name} ${row.path}`);
  const fieldsAt = (place: Field<unknown>['place']): [string, Field<unknown>][] =>
    Object.entries(row.fields)
      .filter(([, field]) => field.place === place)
      .map(([key, field]) => [field.name ?? key, field]);

  const method = odd() && chance(0.3) ? pick(otherMethods) : pick(row.methods);
  const inPath = Object.fromEntries(fieldsAt('path'));
  const path = row.path.replace(/[:*](\w+)/g, (_all, name: string) => {
    const field = inPath[name];
    const value = field === undefined || odd() ? values.text() : valueOf(name, field);
    return chance(0.9) ? encoded(value) : textOf(value).replace(/[^!-~]|[?#]/g, '');
  });
  const query = fieldsAt('query')
    .filter(([name]) => chance(name === 'dry_run' ? 0.2 : 0.1))
    .map(([name, field]): [string, unknown] => [name, valueOf(name, field)]);
  if (odd() && chance(0.3)) query.push([values.text(), values.wild()]);
  const target = strange(`${pick(family.bases)}${path === '/' ? '' : path}`, wildness, dice);
  const search = query.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&');

  const body = bodyOf();
  const token = odd() ? pick(knowledge.tokens) : knowledge.tokens[0];
  const monitor = knowledge.tokens.at(-1) ?? '';
  const conditions: Header[] = [
    ...(chance(0.1) ? [['If-Match', pick(knowledge.versions)] as const] : []),
    ...(chance(0.1) ? [['Idempotency-Key', `key-${below(100)}`] as const] : []),
  ];
  const headers: Header[] = [
    ['Host', 'localhost'],
    ...(row.isChange ? conditions : []),
    ...(chance(0.985) ? tokenHeaders(token, monitor) : wrongToken()),
    ...body.headers,
    ...Array.from({ length: odd() ? 1 + below(4) : Number(chance(0.05)) }, (): Header => {
      const name = pick([...knowledge.headers, ...generalHeaders]);
      return [name, chance(0.6) ? pick(headerValues) : printable(values.text())];
    }),
  ];
  const targetAndQuery = `${target}${search === '' ? '' : `?${search}`}`;
  const bytes = bytesOf(method, targetAndQuery, headers, body.bytes, dice);
  // The peer port closes a connection without an answer if the headers are too large.
  const isTooLarge = listener === 'peers' && bytes.indexOf('\r\n\r\n') > 8000;
  return {
    family: family.name,
    listener:
      listener === 'http'
        ? pick(['http', 'http', 'http', 'http', 'http', 'http', 'socket', 'https'])
        : listener,
    row,
    isDryRun: search.split('&').includes('dry_run=true'),
    isRefused: false,
    methods: [method],
    ...(isTooLarge ? { end: 'fin' } : { wanted: 1, end: 'keep' }),
    pieces: [bytes],
  };

  function wrongToken(): Header[] {
    const text = pick(['', 'x', '0'.repeat(64), 'A'.repeat(64), `${'0'.repeat(63)} `]);
    return chance(0.3) ? [] : tokenHeaders(text, text);
  }

  function bodyOf(): Body {
    if (listener === 'peers') return peerBody(row, dice, values);
    if (typeof row.body === 'object' && knowledge.bodies) return knowledge.bodies(row, dice);
    const fields = fieldsAt('body');
    if (method === 'GET' && chance(0.7)) return { bytes: Buffer.alloc(0), headers: [] };
    const value = Object.fromEntries(
      fields
        .filter(([, { isOptional }]) => chance(isOptional ? 0.3 : 0.97))
        .map(([name, field]) => [name, valueOf(name, field)]),
    );
    if (odd() && chance(0.2)) return asJson(values.wild() ?? null);
    return odd() && chance(0.4) ? damaged(value, dice, values) : asJson(value);
  }
}

function tokenHeaders(token: string, monitor: string): Header[] {
  return [
    ['token', token],
    ['Authorization', `Bearer ${monitor}`],
  ];
}

const liferafts = [1, 2, 3].map((generation) =>
  liferaftOf({ generation, files: { '/etc/hostname': `node-${generation}\n` } }),
);

/** Routes of peers have no fields, because their process runs without the validator. */
function peerBody(row: Row, dice: Dice, values: Values): Body {
  const { chance, pick, below } = dice;
  const { digest, manifest, bytes } = pick(liferafts);
  if (row.path === peerRoutes.heartbeat) {
    const said: Record<string, unknown> = {
      digest,
      lineage: someLineage,
      generation: manifest.generation,
    };
    if (chance(0.3)) said[chance(0.5) ? pick(Object.keys(said)) : values.text()] = values.wild();
    return chance(0.85) ? asJson(said) : damaged(said, dice, values);
  }
  const sent = Buffer.from(bytes);
  if (chance(0.2)) sent[below(sent.length)] = below(256);
  const odd = (value: string) => (chance(0.1) ? printable(values.text()) : value);
  return {
    bytes: chance(0.9) ? sent : sent.subarray(0, below(sent.length)),
    headers: [
      ['X-Liferaft-Digest', odd(digest)],
      ...(chance(0.1) ? [['X-Liferaft-Offset', odd(`${1 + below(2000)}`)] as const] : []),
      ...(chance(0.1) ? [['X-Liferaft-Rebuilt', odd('true')] as const] : []),
      ...(chance(0.2) ? [['X-Alphorn-Machine', odd('00')] as const] : []),
    ],
  };
}

/** The same path, or one that looks like it. */
function strange(path: string, wildness: number, { chance, pick, below }: Dice): string {
  if (!chance(wildness * 0.3)) return path;
  const slashes = [...path.matchAll(/\//g)].map(({ index }) => index);
  const at = slashes.length > 0 ? pick(slashes) : 0;
  const inserted = pick([
    '/',
    '//',
    '/.',
    '/..',
    '/%2e%2e',
    '/%2f',
    '/%',
    '/%zz',
    '/%c0%ae',
    '/%00',
    '/;x=1',
    '/\\',
    '/%5c',
    '/%ff',
    '/%E0%A4%A',
    '/*',
    '/+',
    '/%20',
    `/${'a'.repeat(8000)}`,
  ]);
  switch (below(4)) {
    case 0:
      return `${path}${inserted}`;
    case 1:
      return path.slice(0, at) + inserted + path.slice(at);
    case 2:
      return path.toUpperCase();
    default:
      return `/${path}`;
  }
}

function bytesOf(
  method: string,
  target: string,
  headers: readonly Header[],
  body: Buffer,
  { chance, below }: Dice,
): Buffer {
  const isChunked = body.length > 0 && chance(0.05);
  const at = below(body.length + 1);
  const chunk = (bytes: Buffer) =>
    bytes.length === 0 ? '' : `${bytes.length.toString(16)}\r\n${bytes.toString('latin1')}\r\n`;
  const framing: Header = isChunked
    ? ['Transfer-Encoding', 'chunked']
    : ['Content-Length', `${body.length}`];
  const lines = [...headers, framing].map(([name, value]) => `${name}: ${value}\r\n`);
  const content = isChunked
    ? `${chunk(body.subarray(0, at))}${chunk(body.subarray(at))}0\r\n\r\n`
    : body.toString('latin1');
  return Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n${content}`, 'latin1');
}

/** Encodes a text for a URL. Half of a surrogate pair has no encoding. */
function encoded(value: unknown): string {
  return encodeURIComponent(Buffer.from(textOf(value)).toString());
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Reduces a text to what a header can hold. */
function printable(text: string): string {
  return Buffer.from(text.slice(0, 2000))
    .toString('latin1')
    .replace(/[^\t -~\x80-\xff]/g, '');
}
