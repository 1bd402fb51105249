import {
  backslash,
  greaterThan,
  is,
  lessThan,
  partOfWord,
  quote,
  skipSpaces,
  space,
} from './characters.ts';
import { isSecretName, masked } from './secret-names.ts';
import { type Attribute, decoded, encoded, nameEnd, readTag, type Tag } from './xml-tags.ts';

// Secrets are found by the names that they stand under. This is done with each reading of the cluster, so it is a
// scanner that looks at each sign a fixed number of times: the patterns before it cost microseconds a sign.

/** Called with each secret that is masked, as its program would get it: without quotes and references. */
export type OnSecret = (value: string) => void;

export interface Scanned {
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

export function mask(scanned: Scanned): string {
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
