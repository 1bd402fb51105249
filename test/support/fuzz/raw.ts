import { framingKinds } from './framing.ts';
import type { ListenerName } from './hosts.ts';
import { lineKinds } from './lines.ts';
import type { SentRequest, Knowledge } from './requests.ts';
import { changing, type Kind, reading } from './shape.ts';
import { type Dice, hostile } from './values.ts';

/** Other uses of connections: other protocols, several requests at once. */
const connectionKinds: readonly Kind[] = [
  // Expectations that may be ignored (RFC 9110, section 10.1.1).
  (token, { pick }) => ({
    text: changing(
      token,
      `Expect: ${pick(['100-continue', '100-Continue', '200-ok', '', 'x, y', '100-continue, x'])}\r\nContent-Length: ${pick([13, 13, 0, 20])}\r\n`,
    ),
  }),
  // Upgrades to other protocols, which a server may ignore.
  (token, { pick }) => ({
    text: reading(
      token,
      pick([
        'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n',
        'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n',
        'Upgrade: TLS/1.2\r\nConnection: close, Upgrade\r\n',
        'Connection: token\r\n',
      ]),
    ),
  }),
  (_token, { pick }) => ({
    text: `CONNECT ${pick(['evil.example:443', '/', '127.0.0.1:22', '*'])} HTTP/1.1\r\nHost: a\r\n\r\nSSH-2.0-x\r\n`,
  }),
  // Several requests at once. Each has an answer, in order.
  (token, { pick, below }) => {
    const methods = Array.from({ length: 2 + below(8) }, () =>
      pick(['GET', 'HEAD', 'OPTIONS', 'PATCH']),
    );
    // Answers to wrong tokens are delayed.
    const paths = ['/healthz', '/openapi.json', ...(token === '' ? [] : ['/x'])];
    const text = methods.map(
      (method) =>
        `${method} ${pick(paths)} HTTP/1.1\r\nHost: a\r\n${token}Content-Length: 0\r\n\r\n`,
    );
    return { text: text.join(''), methods, wanted: methods.length, end: 'fin' };
  },
  // More requests at once than are kept, a broken request after valid ones, and a body that looks like the next
  // request.
  (token, { pick }) => ({
    text: pick([
      reading(token, '', '/healthz').repeat(600),
      `${reading(token, '', '/healthz').repeat(3)}\0\0\0\r\n\r\n`,
      `${reading(token, '', '/healthz')}\r\n\r\n\r\n${reading(token, '', '/healthz')}`,
      reading(token, `Content-Length: 40\r\n`, '/healthz') +
        changing(token, 'Content-Length: 13\r\n', ''),
      `GET /healthz HTTP/1.1\r\nHost: a\r\n${token}Content-Length: 3\r\n\r\nabcGET /none HTTP/1.1\r\nHost: a\r\n\r\n`,
    ]),
  }),
  // A valid request with changed bytes.
  (token, { pick, below }) => {
    const signs = Array.from(pick([reading(token), changing(token, 'Content-Length: 13\r\n')]));
    for (let times = below(3); times >= 0; times -= 1) {
      const sign = pick([
        '\0',
        '\r',
        '\n',
        ' ',
        ':',
        '\xff',
        '%',
        ...hostile.map((each) => each.charAt(0)),
      ]);
      signs.splice(below(signs.length), below(2), sign);
    }
    return { text: signs.join('') };
  },
];

const kinds = [...lineKinds, ...framingKinds, ...connectionKinds];

/** Data on the socket that no client of ours sends. */
export function askRaw({ tokens }: Knowledge, dice: Dice): SentRequest {
  const { chance, pick, below } = dice;
  const listener: ListenerName = pick([
    'http',
    'http',
    'http',
    'http',
    'https',
    'socket',
    'peers',
    'daemon',
  ]);
  const token = pick([`token: ${tokens[0]}\r\n`, `token: ${tokens[0]}\r\n`, '']);
  const shape = pick(kinds)(token, dice);
  const bytes = Buffer.from(shape.text, 'latin1');
  const cuts = chance(0.3) ? [below(bytes.length), below(bytes.length), below(bytes.length)] : [];
  const at = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
  return {
    family: 'bytes',
    listener,
    isDryRun: false,
    isRefused: shape.isNone === true,
    methods: shape.methods ?? [],
    ...(shape.wanted !== undefined && { wanted: shape.wanted }),
    end: shape.isNone ? 'server' : (shape.end ?? pick(['fin', 'fin', 'fin', 'reset'])),
    pieces: at.slice(1).map((to, index) => bytes.subarray(at[index], to)),
  };
}
