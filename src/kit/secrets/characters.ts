export const [lessThan, greaterThan, backslash] = [0x3c, 0x3e, 0x5c];

// The kinds of each ASCII character, as bits. They are looked up many million times in a large CIB.
export const [partOfWord, space, quote, endOfName] = [1, 2, 4, 8];
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
export function is(kind: number, sign: number): boolean {
  return sign < 128 && ((kinds[sign] ?? 0) & kind) !== 0;
}

export function skipSpaces(text: string, from: number): number {
  let at = from;
  while (is(space, text.charCodeAt(at))) at += 1;
  return at;
}
