import { gzipSync } from 'node:zlib';

import type { Dice, Values } from './values.ts';

/** A body, and what its headers say about it. */
export interface Body {
  bytes: Buffer;
  headers: readonly (readonly [name: string, value: string])[];
}

const json = [['Content-Type', 'application/json']] as const;

export function asJson(value: unknown): Body {
  return { bytes: Buffer.from(JSON.stringify(value)), headers: json };
}

const types = [
  'application/json; charset=utf-8',
  'application/json; charset=UTF-16',
  'text/plain',
  '',
  'application/json;charset="utf-8"',
  'application/xml',
  'application/json, text/plain',
  'json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/JSON',
  'application/json; charset=latin1',
  'application/json; charset=none',
  '*/*',
  'application/*',
];

/** Texts that are not a JSON object, or are a hostile one. */
const texts = [
  '',
  ' ',
  'null',
  '1',
  '"x"',
  'true',
  '[]',
  '[{}]',
  'NaN',
  '{',
  '{"a":}',
  '{"a":1,}',
  "{'a':1}",
  '{"a":1}//',
  '{"a":1}{"b":2}',
  '\ufeff{}',
  '{"__proto__":{"isChange":false,"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '{"a":1e999}',
  '{"a":-1e999}',
  '{"\\ud800":1}',
  '{"name":"\\udfff"}',
  `{"a":${'9'.repeat(400)}}`,
  '{"a":"\\u0000"}',
  '{"a":"\u0001"}',
  `{"a":"${'x'.repeat(300_000)}"}`,
  `{"a":"${'x'.repeat(1_100_000)}"}`,
  `{"":"","":1}`,
];

/** Damages a body of that value in one way. */
export function damaged(value: object, { pick, below, chance }: Dice, { text }: Values): Body {
  const whole = JSON.stringify(value);
  const plain = (bytes: string | Buffer): Body => ({ bytes: Buffer.from(bytes), headers: json });
  switch (below(11)) {
    case 0:
      return plain(whole.slice(0, below(whole.length)));
    case 1: {
      const depth = pick([100, 255, 256, 257, 5000, 60_000]);
      const [open, close] = chance(0.5) ? ['[', ']'] : ['{"a":', '}'];
      return plain(`{"name":${open.repeat(depth)}1${chance(0.5) ? close.repeat(depth) : ''}}`);
    }
    case 2:
      return plain(pick(texts));
    case 3: {
      // A name occurs twice. Most readers take the last one.
      const names = Object.keys(value);
      const name = JSON.stringify(names.length > 0 && chance(0.8) ? pick(names) : text());
      return plain(whole.replace(/^\{(?=.)/, `{${name}:${JSON.stringify(text())},`));
    }
    case 4: {
      const key = pick([
        '__proto__',
        'constructor',
        'prototype',
        'hasOwnProperty',
        'toString',
        '0',
      ]);
      return plain(whole.replace(/^\{\}?/, `{"${key}":{"polluted":1},"name":"x"`));
    }
    case 5:
      return { bytes: Buffer.from(whole, 'utf16le'), headers: [['Content-Type', pick(types)]] };
    case 6:
      return { bytes: Buffer.from(whole), headers: [['Content-Type', pick(types)]] };
    case 7: {
      const coded = gzipSync(whole);
      const coding = pick(['gzip', 'deflate', 'br', 'identity', 'x', 'gzip, gzip']);
      return {
        bytes: chance(0.5) ? coded : Buffer.from(whole),
        headers: [...json, ['Content-Encoding', coding]],
      };
    }
    case 8: {
      const bytes = Buffer.from(whole);
      for (let times = below(4); times >= 0; times -= 1) {
        if (bytes.length > 0) bytes[below(bytes.length)] = below(256);
      }
      return plain(bytes);
    }
    case 9:
      return { bytes: Buffer.from(whole), headers: [] };
    default:
      return plain(Buffer.from(Array.from({ length: below(300) }, () => below(256))));
  }
}
