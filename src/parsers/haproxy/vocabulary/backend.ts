import {
  address,
  certificate,
  id,
  ipAddress,
  number,
  peersName,
  pingScript,
  time,
  token,
  url,
} from './arguments.ts';
import { alpn, ciphers } from './frontend.ts';
import { line, fixed, type Argument, type Options, type Vocabulary } from './shapes.ts';

const serverOptions: Options = {
  weight: [/^\d{1,3}$/],
  check: [],
  'check-ssl': [],
  'check-alpn': [alpn],
  verify: [/^(?:none|required)$/],
  inter: [time],
  fall: [number],
  rise: [number],
  addr: [ipAddress],
  port: [/^\d{1,5}$/],
  cookie: [id],
  'send-proxy': [],
  'send-proxy-v2': [],
  'send-proxy-v2-ssl-cn': [],
  backup: [],
  disabled: [],
  ssl: [],
  crt: [certificate],
  'ca-file': [certificate],
  'crl-file': [certificate],
  sni: ['ssl_fc_sni'],
  ciphers: [ciphers],
  alpn: [alpn],
  'no-sslv3': [],
  'no-tlsv10': [],
  'no-tlsv11': [],
  'no-tlsv12': [],
  'no-tlsv13': [],
};

/** A cookie of the application: `res.cook(X)`. */
function cookieOf(fetch: string): Argument {
  return {
    accepts: (word) =>
      word.startsWith(`${fetch}(`) &&
      word.endsWith(')') &&
      token.test(word.slice(fetch.length + 1, -1)),
    otherwise: 'a sample that no driver reads',
  };
}

const size = /^\d{1,19}[kmg]?$/;

const httpMethod = /^[A-Z]{1,16}$/;
const domain = /^[\w.-]{1,255}$/;
const httpVersion = /^HTTP\/1\.[01]$/;
/** Drivers before 17.0 end it in a line break, and may add the header Host (reference: `option httpchk`). */
const httpVersionAndHost = /^HTTP\/1\.[01](?:\r\n(?:Host: [\w.-]{1,255})?)?$/;

/** The headers that drivers insert, each with its value. */
const insertedHeaders: readonly (readonly [string, RegExp])[] = [
  ['X-Forwarded-For', /^%\[src\]$/],
  ['X-Forwarded-Port', /^%\[dst_port\]$/],
  ['X-Forwarded-Proto', /^https?$/],
  ['X-SSL-Client-Verify', /^%\[ssl_c_verify\]$/],
  ['X-SSL-Client-Has-Cert', /^%\[ssl_c_used\]$/],
  ['X-SSL-Client-DN', /^%\{\+Q\}\[ssl_c_s_dn\]$/],
  ['X-SSL-Client-CN', /^%\{\+Q\}\[ssl_c_s_dn\(cn\)\]$/i],
  ['X-SSL-Issuer', /^%\{\+Q\}\[ssl_c_i_dn\]$/],
  ['X-SSL-Client-SHA1', /^%\{\+Q\}\[ssl_c_sha1,hex\]$/],
  ['X-SSL-Client-Not-Before', /^%\{\+Q\}\[ssl_c_notbefore\]$/],
  ['X-SSL-Client-Not-After', /^%\{\+Q\}\[ssl_c_notafter\]$/],
];

/** What drivers and ha-controller write into a section `backend`, which is a pool. */
export const backendVocabulary: Vocabulary = {
  mode: [line('mode', /^(?:http|tcp)$/)],
  'http-reuse': [fixed('http-reuse safe')],
  balance: [line('balance', /^(?:roundrobin|leastconn|source)$/)],
  'stick-table': [
    line('stick-table', 'type', /^ip(?:v6)?$/, 'size', size),
    line('stick-table', 'type', /^ip(?:v6)?$/, 'size', size, 'peers', peersName),
    line('stick-table', 'type', 'string', 'len', '64', 'size', size),
    line('stick-table', 'type', 'string', 'len', '64', 'size', size, 'peers', peersName),
  ],
  stick: [
    fixed('stick on src'),
    line('stick', 'store-response', cookieOf('res.cook')),
    line('stick', 'match', cookieOf('req.cook')),
  ],
  // ha-controller takes the name that its client has chosen; drivers write SRV.
  cookie: [line('cookie', token, 'insert', 'indirect', 'nocache')],
  'load-server-state-from-file': [fixed('load-server-state-from-file global')],
  timeout: [line('timeout', /^(?:check|connect|server)$/, time)],
  option: [
    line('option', 'httpchk', httpMethod, url),
    line('option', 'httpchk', httpMethod, url, httpVersionAndHost),
    fixed('option httpchk'),
    fixed('option ssl-hello-chk'),
    fixed('option external-check'),
    fixed('option forwardfor'),
    fixed('option allbackups'),
  ],
  'http-check': [
    line('http-check', 'expect', 'rstatus', /^[\d|]{1,4096}$/),
    line('http-check', 'send', 'hdr', 'Host', domain),
    {
      items: ['http-check', 'send', 'meth', httpMethod, 'uri', url],
      options: { ver: [httpVersion], hdr: ['Host', domain] },
    },
  ],
  'external-check': [line('external-check', 'command', pingScript)],
  'http-request': insertedHeaders.map(([name, value]) =>
    line('http-request', 'set-header', name, value),
  ),
  fullconn: [line('fullconn', number)],
  server: [{ items: ['server', id, address], options: serverOptions }],
};
