/**
 * What `%[…]` may read: the request, its connection and its TLS. Others read the environment (`env`), files (`map`),
 * variables or other proxies, or run Lua.
 */
const fetches = new Set([
  'base',
  'capture.req.method',
  'capture.req.uri',
  'capture.req.ver',
  'date',
  'dst',
  'dst_port',
  'fc_rtt',
  'hdr',
  'http_date',
  'method',
  'path',
  'pathq',
  'query',
  'req.cook',
  'req.fhdr',
  'req.hdr',
  'req.ver',
  'src',
  'src_port',
  'ssl_c_i_dn',
  'ssl_c_notafter',
  'ssl_c_notbefore',
  'ssl_c_s_dn',
  'ssl_c_serial',
  'ssl_c_sha1',
  'ssl_c_used',
  'ssl_c_verify',
  'ssl_fc',
  'ssl_fc_alpn',
  'ssl_fc_cipher',
  'ssl_fc_protocol',
  'ssl_fc_sni',
  'unique-id',
  'url',
  'url_param',
]);

const converters = new Set([
  'base64',
  'field',
  'hex',
  'json',
  'lower',
  'ltrim',
  'regsub',
  'rtrim',
  'strcmp',
  'sub',
  'upper',
  'url_dec',
  'url_enc',
  'word',
]);

/**
 * Whether a format of haproxy (configuration.txt, "Custom log format") reads no more than the request. Its variables,
 * such as `%ci`, do not. `%%` is a percent sign.
 */
export function isHarmlessFormat(text: string): boolean {
  let at = text.indexOf('%');
  while (at >= 0) {
    // Longer than any item of a driver, and short enough for linear time.
    const item = /^%(?:\{[A-Z+,-]{0,32}\})?(?:[A-Z\d]|(\[))|^%%/i.exec(text.slice(at, at + 40));
    if (!item) return false;
    at += item[0].length;
    if (item[1] !== undefined) {
      const end = text.indexOf(']', at);
      if (end < 0 || !isHarmlessExpression(text.slice(at, end))) return false;
      at = end + 1;
    }
    at = text.indexOf('%', at);
  }
  return true;
}

/** `fetch(arguments),converter(arguments)`. An argument that has a parenthesis, a quote or an escape is refused. */
function isHarmlessExpression(expression: string): boolean {
  let known = fetches;
  let at = 0;
  while (at < expression.length) {
    const part = /^([\w.-]{1,32})(?:\([^()"'\\]{0,128}\))?(,|$)/.exec(
      expression.slice(at, at + 164),
    );
    if (!part || !known.has(part[1] ?? '')) return false;
    known = converters;
    at += part[0].length;
    if (part[2] === '') return at === expression.length;
  }
  return false;
}
