import { endOfName, is, partOfWord, quote, skipSpaces } from './characters.ts';

/** A start tag with its attributes in order; the values are not decoded. */
export interface Tag {
  end: number;
  attributes: readonly Attribute[];
}

export interface Attribute {
  name: string;
  /** The place of the value, without its quotes. */
  start: number;
  end: number;
}

/** The start tag that begins there; undefined if there is none. As in XML, its values contain no `<`. */
export function readTag(text: string, from: number): Tag | undefined {
  if (!is(partOfWord, text.charCodeAt(from + 1))) return undefined;
  const nextTag = text.indexOf('<', from + 1);
  const limit = nextTag < 0 ? text.length : nextTag;
  const attributes: Attribute[] = [];
  let at = nameEnd(text, from + 1);
  for (;;) {
    at = skipSpaces(text, at);
    if (text[at] === '>') return { end: at + 1, attributes };
    if (text[at] === '/' && text[at + 1] === '>') return { end: at + 2, attributes };
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

export function nameEnd(text: string, from: number): number {
  let end = from;
  while (end < text.length && !is(endOfName, text.charCodeAt(end))) end += 1;
  return end;
}

const named: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  amp: '&',
};

/** A value with its XML references replaced (XML 1.0, section 4.6). */
export function decoded(value: string): string {
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

export function encoded(value: string): string {
  return value.replace(/[&<>"\t\n\r]/g, (each) => references[each] ?? `&#${each.charCodeAt(0)};`);
}
