import { type Kind, long, reading } from './shape.ts';

/** Lines and headers of requests, and what is none. */
export const lineKinds: readonly Kind[] = [
  // What is no HTTP at all.
  (_token, { pick, below }) => ({
    text: pick([
      ...['\0', '\r\n\r\n\r\n', 'GET', 'GET /\r\n\r\n', '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03'],
      ...[
        'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
        'HTTP/1.1 200 OK\r\n\r\n',
        '{"a":1}\r\n\r\n',
        ' \r\n',
      ],
      ...[long(20_000), long(20_000, '\0'), 'SSH-2.0-x\r\n', '\x80\x2e\x01\x03', 'EHLO a\r\n'],
      String.fromCharCode(...Array.from({ length: 1 + below(400) }, () => below(256))),
    ]),
  }),
  // Lines of a request.
  (token, { pick }) => {
    const line = pick([
      ...[
        'GET  / HTTP/1.1',
        'GET /a b HTTP/1.1',
        'GET / HTTP/1.2',
        'GET / HTTP/2.0',
        'GET / http/1.1',
      ],
      ...[
        'GET / HTTP/1.1 ',
        ' GET / HTTP/1.1',
        'get / HTTP/1.1',
        'FOO / HTTP/1.1',
        'G\0T / HTTP/1.1',
      ],
      ...['GET / HTTP/0.9', 'GET / HTTP/1.', 'GET /', 'GET', 'GET / HTTP/11', 'GET\t/ HTTP/1.1'],
      ...[
        'GET /\0 HTTP/1.1',
        'GET /\x7f HTTP/1.1',
        'GET a HTTP/1.1',
        'GET /# HTTP/1.1',
        'GET ? HTTP/1.1',
      ],
    ]);
    return { text: `${line}\r\nHost: a\r\n${token}\r\n` };
  },
  // Targets.
  (token, { pick }) => {
    const method = pick(['GET', 'GET', 'POST', 'OPTIONS', 'DELETE', 'HEAD', 'TRACE', 'CONNECT']);
    const target = pick([
      ...[
        'http://evil.example/healthz',
        'http://a:99999999/healthz',
        '*',
        '//',
        '///healthz',
        '//evil/x',
      ],
      ...[
        '/..',
        '/../healthz',
        '/./healthz',
        '/healthz/',
        '/healthz?',
        '/healthz?x',
        '/%',
        '/%0',
        '/%zz',
      ],
      ...[
        '/%00',
        '/%2e%2e/healthz',
        '/%c0%ae',
        '/%ff%fe',
        '/\xe9\x80',
        '/healthz%0d%0aX:%20y',
        'a:443',
      ],
      ...[
        '/%68ealthz',
        '/healthz;a',
        '/healthz%20',
        '/?',
        '/??',
        '/#',
        '/api/v2/system/ha//status',
        '/\\',
      ],
      ...[
        '/api/v2/system/ha/../../../../etc/passwd',
        '/api/v2/system/ha/resource/%2e%2e/details',
        'x:',
      ],
      ...[
        `/${long(4000)}`,
        `/${long(15_000)}`,
        `/${long(17_000)}`,
        `/?${long(15_000, 'a=b&')}`,
        'https://[',
      ],
      ...[
        `/?${long(15_000, 'a[a]')}=1`,
        '/api/v2/system/ha/status?raw=false&raw=true',
        '/openapi.json',
      ],
    ]);
    return {
      text: `${method} ${target} HTTP/1.1\r\nHost: a\r\n${token}Content-Length: 0\r\n\r\n`,
      methods: [method],
    };
  },
  // Headers.
  (token, { pick, below }) => ({
    text: reading(
      token,
      pick([
        ...[
          'X: a\x01b\r\n',
          'X : a\r\n',
          ': a\r\n',
          'X\r\n',
          'X\0: a\r\n',
          'X: a\rb\r\n',
          'X: a\nY: b\r\n',
        ],
        ...[
          'X: a\r\n b\r\n',
          '\tX: a\r\n',
          'X:\r\n',
          'X: \xff\xfe\r\n',
          '(X): a\r\n',
          'H\xf6st: a\r\n',
        ],
        ...[
          'Host: b\r\n',
          'token: x\r\n',
          'Content-Type: a\r\nContent-Type: b\r\n',
          '__proto__: a\r\n',
        ],
        ...[
          'constructor: a\r\n',
          `X: ${long(8000)}\r\n`,
          `X: ${long(17_000)}\r\n`,
          `${long(17_000)}: a\r\n`,
        ],
        ...[
          'X-Request-Id: a\r\nX-Request-Id: b\r\n',
          'If-Match: "0.1"\r\nIf-Match: *\r\n',
          'X: \x7f\r\n',
        ],
        Array.from({ length: 1 + below(500) }, (_none, index) => `X${index}: ${index}\r\n`).join(
          '',
        ),
        Array.from({ length: 1 + below(2000) }, () => 'A: b\r\n').join(''),
      ]),
    ),
  }),
  (token) => ({ text: reading(token, 'X: a\0b\r\n'), isNone: true }),
  (token) => ({ text: reading(token, 'X : a\r\n'), isNone: true }),
  // A request without the host that it is for (RFC 9112, section 3.2).
  () => ({ text: 'GET /healthz HTTP/1.1\r\n\r\n', isNone: true }),
  // Older HTTP, which has no host and ends with its answer.
  (token, { pick }) => ({
    text: `GET ${pick(['/healthz', '/openapi.json', '/', '/api/v2/system/ha/versions'])} HTTP/1.0\r\n${token}${pick(['', 'Connection: keep-alive\r\n', 'Host: a\r\n'])}\r\n`,
  }),
];
