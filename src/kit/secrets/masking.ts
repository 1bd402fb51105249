// Secrets are found by the names that they stand under. This is done with each reading of the cluster, so it is a
// scanner that looks at each sign a fixed number of times: the patterns before it cost microseconds a sign.

export const masked = '********';

// Anywhere in a name, separators left out: `snmp_priv_passwd`, `pass-phrase`, `clientsecret`, `auth_token`.
const secretParts = ['passwd', 'password', 'passphrase', 'secret', 'token', 'hexadecimalkg'];
// The end of a name: `ssh_key`, `accesskey`, `bindpw`, `dbpwd`, `wpa_psk`, `test_pass`.
const secretEndings = ['key', 'pwd', 'psk', 'pw', 'pass'];
const harmlessWords = new Set(['bypass', 'compass']);
// The whole last word of a name: `proxy_auth`, `snmp_community`.
const secretWords = new Set([
  ...['auth', 'authorization', 'passcode', 'community', 'kg'],
  ...['credential', 'credentials', 'creds', 'cred'],
]);
// A name that ends so is that of a file or program which has the secret: `passwd_script`, `token_file`.
const placeWords = new Set(['file', 'script', 'path', 'dir']);

/**
 * Whether a parameter of that name holds a secret: by the names that fence agents, resource agents and others give to
 * passwords, keys and tokens. The name of a file that holds one (`_file`, `_script`, `_path`, `_dir`) is no secret.
 */
export function isSecretName(name: string): boolean {
  const words = name.toLowerCase().split(/[_.-]/);
  const last = words.at(-1) ?? '';
  if (words.length > 1 && placeWords.has(last)) return false;
  if (secretWords.has(last)) return true;
  if (secretEndings.some((ending) => last.endsWith(ending)) && !harmlessWords.has(last))
    return true;
  const joined = words.join('');
  return secretParts.some((part) => joined.includes(part));
}

/** Called with each secret that is masked, as its program would get it: without quotes and references. */
export type OnSecret = (value: string) => void;

const ignore: OnSecret = () => undefined;

/**
 * The JSON with each value that has the name of a secret replaced by stars, also where they are two fields
 * (`{"name": "passwd", "value": …}`); in all other texts what maskText knows.
 * @param json of bounded depth
 */
export function maskValues(json: unknown, onSecret: OnSecret = ignore): unknown {
  return maskJson(json, (text) => maskText(text, onSecret), onSecret);
}

/** @param maskRest masks what has no secret's name */
function maskJson(
  json: unknown,
  maskRest: (text: string) => string,
  onSecret: OnSecret,
  isSecret = false,
): unknown {
  if (typeof json === 'object' && json !== null) {
    if (Array.isArray(json)) {
      return json.map((each: unknown) => maskJson(each, maskRest, onSecret, isSecret));
    }
    const named: unknown = 'name' in json ? json.name : undefined;
    const isPair = typeof named === 'string' && isSecretName(named);
    return Object.fromEntries(
      Object.entries(json).map(([name, value]: [string, unknown]) => {
        const secret = isSecret || isSecretName(name) || (isPair && name === 'value');
        return [name, maskJson(value, maskRest, onSecret, secret)];
      }),
    );
  }
  const isScalar = ['string', 'number', 'boolean'].includes(typeof json);
  if (!isScalar || !isSecret) return typeof json === 'string' ? maskRest(json) : json;
  onSecret(String(json));
  return masked;
}

/**
 * The text with each secret in it replaced by stars: the value of `password=…`, `"ssh_key": …`, `--passwd …`, of
 * `<nvpair name="passwd" value="…"/>`, and the password in a URL. A value in quotes that are not closed reaches to the
 * end of its line.
 */
export function maskText(text: string, onSecret: OnSecret = ignore): string {
  return mask({ text, isXml: false, onSecret, depth: 0, names: new Map() });
}

/**
 * The XML with each secret in it replaced by stars: the `value` of a pair that has the name of a secret
 * (`<nvpair name="passwd" …>`, and crm_mon's `<attribute name="passwd" …>`) or that such a pair refers to (`id-ref`), in
 * whatever order and quotes its attributes stand, and what maskText knows in all other values, texts and comments.
 * Where no secret is, it stays to the byte.
 */
export function maskPairs(xml: string, onSecret: OnSecret = ignore): string {
  const references = new Set<string>();
  const how = { isXml: true, onSecret, depth: 0, names: new Map<string, boolean>() };
  const once = mask({ ...how, text: xml, references });
  // The pairs that are referred to may stand before those that refer to them.
  return references.size === 0 ? once : mask({ ...how, text: once, secretIds: references });
}

/**
 * The arguments with each secret's value replaced by stars: `passwd=x` as well as `--password x`.
 * In `name=value` the value is all of the rest, blanks and quotes included.
 */
export function maskArgv(argv: readonly string[], onSecret: OnSecret = ignore): string[] {
  return argv.map((word, index) => {
    if (isSecretOption(argv[index - 1] ?? '')) {
      onSecret(word);
      return masked;
    }
    const equals = word.indexOf('=');
    const name = equals < 0 ? '' : word.slice(0, equals);
    if (!isName(name) || !isSecretName(name)) return maskText(word, onSecret);
    onSecret(word.slice(equals + 1));
    return `${name}=${masked}`;
  });
}

function isSecretOption(word: string): boolean {
  // `-p` is how pcs and the fence agents take a password.
  return word === '-p' || (word.startsWith('-') && isName(word) && isSecretName(word));
}

function isName(word: string): boolean {
  return /^[\w.-]+$/.test(word);
}

interface Scanned {
  text: string;
  /** Else it may have XML in it, as what a tool says has. */
  isXml: boolean;
  onSecret: OnSecret;
  /** Texts in texts that are above this one: a value of XML may be anything, XML included. */
  depth: number;
  /** Gets the id of each pair that a pair with a secret's name refers to. */
  references?: Set<string>;
  /** The ids of pairs that hold a secret whatever their name. */
  secretIds?: ReadonlySet<string>;
  /** A cache of isSecretName, for the same names come again and again in a text. */
  names: Map<string, boolean>;
}

function isSecretOf({ names }: Scanned, name: string): boolean {
  const known = names.get(name);
  if (known !== undefined) return known;
  const isSecret = isSecretName(name);
  names.set(name, isSecret);
  return isSecret;
}

// Texts in texts in texts are read as one.
const maxDepth = 2;

function mask(scanned: Scanned): string {
  const { text, onSecret } = scanned;
  const pieces: string[] = [];
  let copied = 0;
  const replace = ({ start, end, value, by = masked }: Found) => {
    if (value !== masked && value !== '') onSecret(value);
    pieces.push(text.slice(copied, start), by);
    copied = end;
  };

  let at = 0;
  while (at < text.length) {
    const sign = text.charCodeAt(at);
    if (is(partOfWord, sign)) {
      const start = at;
      while (is(partOfWord, text.charCodeAt(at))) at += 1;
      const found = secretAfter(scanned, start, at);
      if (found === undefined) continue;
      replace(found);
      at = found.end;
    } else if (sign === lessThan) {
      const tag = readTag(text, at);
      if (tag) for (const found of secretsOfTag(scanned, tag)) replace(found);
      at = tag ? tag.end : at + 1;
    } else {
      at += 1;
    }
  }
  return copied === 0 ? text : pieces.join('') + text.slice(copied);
}

/** A part of a text that is to be replaced. */
interface Found {
  start: number;
  end: number;
  value: string;
  by?: string;
}

const [lessThan, greaterThan, backslash] = [0x3c, 0x3e, 0x5c];

// The kinds of each ASCII character, as bits. They are looked up many million times in a large CIB.
const [partOfWord, space, quote, endOfName] = [1, 2, 4, 8];
const kinds = new Uint8Array(128);
for (const [signs, kind] of [
  ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-', partOfWord],
  [' \t\n\v\f\r', space | endOfName],
  [`"'`, quote | endOfName],
  ['=/<>', endOfName],
] as const) {
  for (const sign of signs) kinds[sign.charCodeAt(0)] = kind;
}

/** Whether the sign is one of that kind. NaN, which is behind the end of a text, is of none. */
function is(kind: number, sign: number): boolean {
  return sign < 128 && ((kinds[sign] ?? 0) & kind) !== 0;
}

function skipSpaces(text: string, from: number): number {
  let at = from;
  while (is(space, text.charCodeAt(at))) at += 1;
  return at;
}

/** The secret behind a word that may be its name. */
function secretAfter(scanned: Scanned, start: number, end: number): Found | undefined {
  const { text } = scanned;
  if (text.startsWith('://', end)) return passwordOfUrl(text, end + 3);
  let behind = end;
  if (text.charCodeAt(behind) === backslash) behind += 1;
  if (is(quote, text.charCodeAt(behind))) behind += 1;
  else behind = end;
  const next = skipSpaces(text, behind);
  const sign = text[next];
  if (sign === '=' || sign === ':') {
    const name = text.slice(start, end);
    if (name === 'name' && sign === '=') return valueOfCutPair(scanned, skipSpaces(text, next + 1));
    if (!isSecretOf(scanned, name)) return undefined;
    // `=>`, `:=` and the like are one sign.
    const isLong = text[next + 1] === '>' || text[next + 1] === '=';
    return valueAt(scanned, skipSpaces(text, next + (isLong ? 2 : 1)));
  }
  const isOption = text[start] === '-' && next > end && behind === end;
  return isOption && isSecretOf(scanned, text.slice(start, end))
    ? valueAt(scanned, next)
    : undefined;
}

/** In a piece of XML without the beginning of its tag: `name="passwd" value="…"`, from the name on. */
function valueOfCutPair(scanned: Scanned, from: number): Found | undefined {
  const { text } = scanned;
  if (!is(quote, text.charCodeAt(from))) return undefined;
  const nameClose = nameEnd(text, from + 1);
  if (text[nameClose] !== text[from]) return undefined;
  const next = skipSpaces(text, nameClose + 1);
  if (!text.startsWith('value', next)) return undefined;
  const equals = skipSpaces(text, next + 'value'.length);
  if (text[equals] !== '=') return undefined;
  const isSecret = isSecretOf(scanned, decoded(text.slice(from + 1, nameClose)));
  return isSecret ? valueAt(scanned, skipSpaces(text, equals + 1)) : undefined;
}

/** From the first colon to the last `@` of what stands before the host (RFC 3986, section 3.2). */
function passwordOfUrl(text: string, from: number): Found | undefined {
  let colon = -1;
  let at = -1;
  let end = from;
  for (; end < text.length && !is(space, text.charCodeAt(end)); end += 1) {
    const sign = text[end] ?? '';
    if ('/?#"\'<>'.includes(sign)) break;
    if (sign === ':' && colon < 0) colon = end;
    if (sign === '@') at = end;
  }
  if (colon < 0 || at <= colon + 1) return undefined;
  return { start: colon + 1, end: at, value: text.slice(colon + 1, at) };
}

const schemes = new Set(['bearer', 'basic', 'digest', 'negotiate']);

/** The value that begins there, with its quotes; undefined if there is none. */
function valueAt({ text, isXml }: Scanned, from: number): Found | undefined {
  const isEscaped = text.charCodeAt(from) === backslash && is(quote, text.charCodeAt(from + 1));
  const opening = isEscaped ? from + 1 : from;
  if (is(quote, text.charCodeAt(opening))) {
    const close = closingQuote(text, opening, isEscaped, isXml);
    const isClosed = text[close] === text[opening];
    const value = text.slice(opening + 1, isClosed && isEscaped ? close - 1 : close);
    return { start: from, end: isClosed ? close + 1 : close, value };
  }
  let end = wordEnd(text, from, isXml);
  if (end === from) return undefined;
  if (end - from < 10 && schemes.has(text.slice(from, end).toLowerCase())) {
    // The header `Authorization`, where the secret comes second.
    end = wordEnd(text, skipSpaces(text, end), isXml);
  }
  return { start: from, end, value: text.slice(from, end) };
}

function wordEnd(text: string, from: number, isXml: boolean): number {
  for (let end = from; end < text.length; end += 1) {
    const sign = text.charCodeAt(end);
    if (is(space, sign) || is(quote, sign)) return end;
    if (isXml && isAngle(sign)) return beforeMarkup(text, from, end);
  }
  return text.length;
}

/** Where the quote that was opened there is closed, or else where its line ends. */
function closingQuote(text: string, opening: number, isEscaped: boolean, isXml: boolean): number {
  const closing = text.charCodeAt(opening);
  let backslashes = 0;
  let lineEnd: number | undefined;
  let at = opening + 1;
  for (; at < text.length; at += 1) {
    const sign = text.charCodeAt(at);
    // In escaped quotes `\"` is the end, and `\\\"` a quote inside.
    if (sign === closing && (isEscaped ? backslashes === 1 : backslashes % 2 === 0)) return at;
    backslashes = sign === backslash ? backslashes + 1 : 0;
    if (sign === 0x0a) lineEnd ??= at;
    if (isXml && isAngle(sign)) break;
  }
  return lineEnd ?? beforeMarkup(text, opening + 1, at);
}

/** `<` or `>`, which no value has in XML. */
function isAngle(sign: number): boolean {
  return sign === lessThan || sign === greaterThan;
}

/** Without what ends a comment or a section of text. */
function beforeMarkup(text: string, from: number, angle: number): number {
  const isEnd = text[angle] === '>' && ['--', ']]'].includes(text.slice(angle - 2, angle));
  return Math.max(from, isEnd ? angle - 2 : angle);
}

/** A start tag, with its attributes in order; the values are as they stand there. */
interface Tag {
  end: number;
  attributes: readonly Attribute[];
}

interface Attribute {
  name: string;
  /** The place of the value, without its quotes. */
  start: number;
  end: number;
}

/** The start tag that begins there; undefined if none does, with no `<` in its values, as XML has it. */
function readTag(text: string, from: number): Tag | undefined {
  if (!is(partOfWord, text.charCodeAt(from + 1))) return undefined;
  const nextTag = text.indexOf('<', from + 1);
  const limit = nextTag < 0 ? text.length : nextTag;
  const attributes: Attribute[] = [];
  let at = nameEnd(text, from + 1);
  for (;;) {
    at = skipSpaces(text, at);
    const sign = text[at];
    if (sign === '>') return { end: at + 1, attributes };
    if (sign === '/' && text[at + 1] === '>') return { end: at + 2, attributes };
    const nameStart = at;
    at = nameEnd(text, at);
    if (at === nameStart) return undefined;
    const name = text.slice(nameStart, at);
    at = skipSpaces(text, at);
    if (text[at] !== '=') return undefined;
    at = skipSpaces(text, at + 1);
    if (!is(quote, text.charCodeAt(at))) return undefined;
    const end = text.indexOf(text[at] ?? '', at + 1);
    if (end < 0 || end > limit) return undefined;
    attributes.push({ name, start: at + 1, end });
    at = end + 1;
  }
}

function nameEnd(text: string, from: number): number {
  let end = from;
  while (end < text.length && !is(endOfName, text.charCodeAt(end))) end += 1;
  return end;
}

// Attributes that name something. They hold no secret, and must stay what they are.
const namingAttributes = new Set([
  ...['id', 'id-ref', 'name', 'uname', 'class', 'provider', 'type', 'template', 'ref', 'agent'],
  ...['resource_agent', 'rsc', 'with-rsc', 'first', 'then', 'node', 'resource', 'attribute'],
]);

function secretsOfTag(scanned: Scanned, { attributes }: Tag): Found[] {
  const { text, isXml, onSecret, depth, references, secretIds, names } = scanned;
  const valueOf = ({ start, end }: Attribute) => decoded(text.slice(start, end));
  const isSecret = attributes.some((each) => {
    // In a rule, `attribute` names the compared value.
    if (each.name === 'name' || each.name === 'attribute')
      return isSecretOf(scanned, valueOf(each));
    return each.name === 'id' && secretIds !== undefined && secretIds.has(valueOf(each));
  });
  if (isSecret && references) {
    const reference = attributes.find((each) => each.name === 'id-ref');
    if (reference) references.add(valueOf(reference));
  }
  const found: Found[] = [];
  for (const each of attributes) {
    const place = { start: each.start - 1, end: each.end + 1 };
    if (isSecret && each.name === 'value') {
      found.push({ ...place, value: valueOf(each), by: isXml ? `"${masked}"` : masked });
    } else if (depth < maxDepth && !namingAttributes.has(each.name)) {
      const value = valueOf(each);
      // A secret's name is always followed by one of these.
      if (!/[=:\s]/.test(value)) continue;
      const rest = mask({ text: value, isXml: false, onSecret, depth: depth + 1, names });
      // Its secrets were reported already.
      if (rest !== value) found.push({ ...place, value: '', by: `"${encoded(rest)}"` });
    }
  }
  return found;
}

const named: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  amp: '&',
};

/** A value of XML without references (XML 1.0, section 4.6). */
function decoded(value: string): string {
  if (!value.includes('&')) return value;
  return value.replace(
    /&(?:#(\d{1,7})|#x([\da-f]{1,6})|(lt|gt|quot|apos|amp));/gi,
    (all, ...parts) => {
      const [decimal, hexadecimal, name] = parts as (string | undefined)[];
      if (name !== undefined) return named[name.toLowerCase()] ?? all;
      const code = decimal === undefined ? Number.parseInt(hexadecimal ?? '', 16) : Number(decimal);
      return code <= 0x10ffff ? String.fromCodePoint(code) : all;
    },
  );
}

const references: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

function encoded(value: string): string {
  return value.replace(/[&<>"\t\n\r]/g, (sign) => references[sign] ?? `&#${sign.charCodeAt(0)};`);
}
