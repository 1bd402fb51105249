import { changing, type Kind, long, reading } from './shape.ts';

/** Bodies, and where they end. */
export const framingKinds: readonly Kind[] = [
  // Two lengths for one body. Two readers would see two different requests.
  (token, { pick }) => ({
    text: changing(
      token,
      pick([
        'Content-Length: 13\r\nTransfer-Encoding: chunked\r\n',
        'Content-Length: 13\r\nContent-Length: 12\r\n',
        'Transfer-Encoding: chunked\r\nContent-Length: 0\r\n',
        'Content-Length: -1\r\n',
        'Content-Length: 1x\r\n',
        'Content-Length: +13\r\n',
        'Content-Length: 0x0d\r\n',
        'Content-Length: 13, 13\r\n',
        'Content-Length: 1 3\r\n',
        'Content-Length: 99999999999999999999\r\n',
        'Transfer-Encoding: gzip\r\n',
        'Transfer-Encoding: \x0bchunked\r\n',
        'Transfer-Encoding: chunked, gzip\r\n',
        'Transfer-Encoding: xchunked\r\n',
        'Transfer-Encoding: identity\r\n',
        'Content-Length : 13\r\n',
        'Content-Length: 13\r\nContent-Length: 13\r\n',
        'Content-Length: \r\n',
      ]),
    ),
    isNone: true,
  }),
  // Invalid chunks.
  (token, { pick }) => ({
    text: changing(
      token,
      'Transfer-Encoding: chunked\r\n',
      pick([
        '-1\r\n',
        '0x5\r\n',
        'g\r\n',
        ' 5\r\n',
        '\r\n',
        'ffffffffffffffffff\r\n',
        '5;\0\r\nhello\r\n0\r\n\r\n',
        'd\r\n{"value":"7"}0\r\n\r\n',
        '3\r\n{"value":"7"}\r\n0\r\n\r\n',
        '1\r\n{\r\n-0\r\n\r\n',
        `d;${long(20_000)}\r\n{"value":"7"}\r\n0\r\n\r\n`,
      ]),
    ),
    isNone: true,
  }),
  // Valid chunks with extensions and trailers.
  (token, { pick }) => ({
    text: changing(
      token,
      'Transfer-Encoding: chunked\r\n',
      pick([
        'd\r\n{"value":"7"}\r\n0\r\n\r\n',
        '00d;a=b\r\n{"value":"7"}\r\n0;c\r\n\r\n',
        '0\r\n\r\n',
        '0\r\nX: y\r\n\r\n',
        'd\r\n{"value":"7"}\r\n0\r\ntoken: x\r\nContent-Length: 5\r\n\r\n',
        'D;a="b\\"c"\r\n{"value":"7"}\r\n0\r\n\r\n',
        `d\r\n{"value":"7"}\r\n0\r\n${long(17_000, 'X: y\r\n')}\r\n\r\n`,
        Array.from('{"value":"7"}', (sign) => `1\r\n${sign}\r\n`).join('') + '0\r\n\r\n',
      ]),
    ),
  }),
  // Incomplete bodies.
  (token, { pick, below }) => {
    const text = pick([
      reading(token),
      changing(token, 'Content-Length: 13\r\n'),
      changing(token, 'Content-Length: 500\r\n'),
      changing(token, 'Transfer-Encoding: chunked\r\n', 'd\r\n{"value":"7"}\r\n'),
    ]);
    return { text: text.slice(0, 1 + below(text.length)) };
  },
];
