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

// Secrets are found by their names. Each reading of the cluster is scanned, so the scanner looks at each character a fixed
// number of times. Regular expressions took microseconds a character.

/** Called with each secret that is masked, as a program would get it: without quotes and references. */
export type OnSecret = (value: string) => void;

export interface Scanned {
  text: string;
  /** Whether the whole text is XML. Other texts, such as a tool's message, may contain pieces of XML. */
  isXml: boolean;
  onSecret: OnSecret;
  /** How many texts this one is nested in: a value in XML may be anything, even XML. */
  depth: number;
  /** Gets the id of each pair that a pair with a secret's name refers to. */
  references?: Set<string>;
  /** The ids of pairs that hold a secret whatever their name. */
  secretIds?: ReadonlySet<string>;
  /** A cache of isSecretName, because names repeat in a text. */
  names: Map<string, boolean>;
}

function isSecretOf({ names }: Scanned, name: string): boolean {
  const known = names.get(name);
  if (known !== undefined) return known;
  const isSecret = isSecretName(name);
  names.set(name, isSecret);
  return isSecret;
}

// Texts that are nested deeper are scanned as part of the text around them.
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
    const code = text.charCodeAt(at);
    if (is(partOfWord, code)) {
      const start = at;
      while (is(partOfWord, text.charCodeAt(at))) at += 1;
      const found = secretAfter(scanned, start, at);
      if (found === undefined) continue;
      replace(found);
      at = found.end;
    } else if (code === lessThan) {
      const tag = readTag(text, at);
      if (tag) for (const found of secretsOfTag(scanned, tag)) replace(found);
      at = tag ? tag.end : at + 1;
    } else {
      at += 1;
    }
  }
  return copied === 0 ? text : pieces.join('') + text.slice(copied);
}

/** A part of a text to be replaced. */
interface Found {
  start: number;
  end: number;
  value: string;
  by?: string;
}

/** The secret that follows a word which may be its name. */
function secretAfter(scanned: Scanned, start: number, end: number): Found | undefined {
  const { text } = scanned;
  if (text.startsWith('://', end)) return passwordOfUrl(text, end + 3);
  let behind = end;
  if (text.charCodeAt(behind) === backslash) behind += 1;
  if (is(quote, text.charCodeAt(behind))) behind += 1;
  else behind = end;
  const next = skipSpaces(text, behind);
  const separator = text[next];
  if (separator === '=' || separator === ':') {
    const name = text.slice(start, end);
    if (name === 'name' && separator === '=')
      return valueOfCutPair(scanned, skipSpaces(text, next + 1));
    if (!isSecretOf(scanned, name)) return undefined;
    // `=>`, `:=` and the like are one separator.
    const isLong = text[next + 1] === '>' || text[next + 1] === '=';
    return valueAt(scanned, skipSpaces(text, next + (isLong ? 2 : 1)));
  }
  const isOption = text[start] === '-' && next > end && behind === end;
  return isOption && isSecretOf(scanned, text.slice(start, end))
    ? valueAt(scanned, next)
    : undefined;
}

/** The value in a piece of XML that lacks the beginning of its tag: `name="passwd" value="…"`, from the name on. */
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

/** The part from the first colon to the last `@` before the host (RFC 3986, section 3.2). */
function passwordOfUrl(text: string, from: number): Found | undefined {
  let colon = -1;
  let at = -1;
  let end = from;
  for (; end < text.length && !is(space, text.charCodeAt(end)); end += 1) {
    const character = text[end] ?? '';
    if ('/?#"\'<>'.includes(character)) break;
    if (character === ':' && colon < 0) colon = end;
    if (character === '@') at = end;
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
    // In the header `Authorization`, the secret comes second.
    end = wordEnd(text, skipSpaces(text, end), isXml);
  }
  return { start: from, end, value: text.slice(from, end) };
}

function wordEnd(text: string, from: number, isXml: boolean): number {
  for (let end = from; end < text.length; end += 1) {
    const code = text.charCodeAt(end);
    if (is(space, code) || is(quote, code)) return end;
    if (isXml && isAngle(code)) return beforeMarkup(text, from, end);
  }
  return text.length;
}

/** Where the quote that opens there is closed, or else where its line ends. */
function closingQuote(text: string, opening: number, isEscaped: boolean, isXml: boolean): number {
  const closing = text.charCodeAt(opening);
  let backslashes = 0;
  let lineEnd: number | undefined;
  let at = opening + 1;
  for (; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    // In escaped quotes, `\"` is the end, and `\\\"` is a quote inside.
    if (code === closing && (isEscaped ? backslashes === 1 : backslashes % 2 === 0)) return at;
    backslashes = code === backslash ? backslashes + 1 : 0;
    if (code === 0x0a) lineEnd ??= at;
    if (isXml && isAngle(code)) break;
  }
  return lineEnd ?? beforeMarkup(text, opening + 1, at);
}

/** Whether it is `<` or `>`, which no value in XML contains. */
function isAngle(code: number): boolean {
  return code === lessThan || code === greaterThan;
}

/** The end of a value without the mark that ends a comment or CDATA section. */
function beforeMarkup(text: string, from: number, angle: number): number {
  const isEnd = text[angle] === '>' && ['--', ']]'].includes(text.slice(angle - 2, angle));
  return Math.max(from, isEnd ? angle - 2 : angle);
}

// Attributes that name something. They hold no secret, and must stay unchanged.
const namingAttributes = new Set([
  'id',
  'id-ref',
  'name',
  'uname',
  'class',
  'provider',
  'type',
  'template',
  'ref',
  'agent',
  'resource_agent',
  'rsc',
  'with-rsc',
  'first',
  'then',
  'node',
  'resource',
  'attribute',
]);

function secretsOfTag(scanned: Scanned, { attributes }: Tag): Found[] {
  const { text, isXml, onSecret, depth, references, secretIds, names } = scanned;
  const valueOf = ({ start, end }: Attribute) => decoded(text.slice(start, end));
  const isSecret = attributes.some((each) => {
    // In a rule, `attribute` is the name of the compared value.
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
      // One of these always follows a secret's name.
      if (!/[=:\s]/.test(value)) continue;
      const rest = mask({ text: value, isXml: false, onSecret, depth: depth + 1, names });
      // Its secrets were reported already.
      if (rest !== value) found.push({ ...place, value: '', by: `"${encoded(rest)}"` });
    }
  }
  return found;
}
