import {
  address,
  backendName,
  certificate,
  certificateOrFolder,
  id,
  logFormat,
  number,
  pattern,
  patternAfterFlags,
  time,
  token,
  urlFormat,
} from './arguments.ts';
import { line, fixed, type Argument, type Options, type Vocabulary } from './shapes.ts';

/** OpenSSL's list of ciphers: the characters that the API allows (octavia/common/validate.py). */
export const ciphers = /^[\w+!:@=.-]{1,4096}$/;

/** `h2,http/1.1` */
export const alpn = /^[\w./,-]{1,256}$/;

/** What `tls_versions` leaves out. */
export const tlsVersions: Options = {
  'no-sslv3': [],
  'no-tlsv10': [],
  'no-tlsv11': [],
  'no-tlsv12': [],
  'no-tlsv13': [],
};

const bindOptions: Options = {
  ssl: [],
  crt: [certificateOrFolder],
  'crt-list': [certificate],
  'ca-file': [certificate],
  'crl-file': [certificate],
  verify: [/^(?:none|optional|required)$/],
  ciphers: [ciphers],
  alpn: [alpn],
  'no-sslv3': [],
  'no-tlsv10': [],
  'no-tlsv11': [],
  'no-tlsv12': [],
  'no-tlsv13': [],
};

/** A header, a cookie or a field of a DN, as an L7 rule reads it: `req.hdr(X)`. */
const sample: Argument = {
  accepts: (word) => {
    const read = /^(?:req\.hdr|req\.cook|ssl_c_s_dn)\(([^()]+)\)$/.exec(word);
    return read !== null && token.test(read[1] ?? '');
  },
  otherwise: 'a sample that no driver reads',
};

const match = /^(?:reg|beg|end|sub|str)$/;

/** The part of a path after its last dot, as ha-controller reads the type of a file. */
const fileType = 'path,field(-1,/),field(-1,.)';

/** An L7 rule, as the condition names it. */
const condition = /^!?[\w-]{1,64}$/;

const code = /^3\d\d$/;

/** What drivers and ha-controller write into a section `frontend`, which is a listener. */
export const frontendVocabulary: Vocabulary = {
  option: [fixed('option httplog'), fixed('option tcplog'), fixed('option forwardfor')],
  maxconn: [line('maxconn', number)],
  bind: [{ items: ['bind', address], options: bindOptions }],
  mode: [line('mode', /^(?:http|tcp)$/)],
  'http-response': [
    line(
      'http-response',
      'set-header',
      'Strict-Transport-Security',
      /^max-age=\d{1,19};(?: includeSubDomains;)?(?: preload;)?$/,
    ),
  ],
  acl: [
    line('acl', id, 'req.hdr(host)', '-i', '-m', match, pattern),
    line('acl', id, /^path(?:_end)?$/, '-m', match, pattern),
    line('acl', id, sample, '-m', match, pattern),
    line('acl', id, fileType, '-m', match, pattern),
    line('acl', id, 'req.hdr(host)', '-i', '-m', match, '--', patternAfterFlags),
    line('acl', id, /^path(?:_end)?$/, '-m', match, '--', patternAfterFlags),
    line('acl', id, sample, '-m', match, '--', patternAfterFlags),
    line('acl', id, fileType, '-m', match, '--', patternAfterFlags),
    line('acl', id, 'ssl_c_used'),
    line('acl', id, 'ssl_c_verify', 'eq', number),
  ],
  // ha-controller writes `allow` and `redirect` here, so that policies of all kinds count in their order.
  'http-request': [
    { items: ['http-request', /^(?:deny|allow)$/, 'if'], rest: condition },
    {
      items: ['http-request', 'redirect', /^(?:location|prefix)$/, urlFormat, 'if'],
      rest: condition,
    },
  ],
  redirect: [
    fixed('redirect scheme https if !{ ssl_fc }'),
    { items: ['redirect', /^(?:location|prefix)$/, urlFormat, 'if'], rest: condition },
    {
      items: ['redirect', 'code', code, /^(?:location|prefix)$/, urlFormat, 'if'],
      rest: condition,
    },
  ],
  use_backend: [{ items: ['use_backend', backendName, 'if'], rest: condition }],
  default_backend: [line('default_backend', backendName)],
  timeout: [line('timeout', 'client', time)],
  'tcp-request': [line('tcp-request', 'inspect-delay', time)],
  'log-format': [line('log-format', logFormat)],
};
