export const [lessThan, greaterThan, backslash] = [0x3c, 0x3e, 0x5c];

// The kinds of each ASCII character, as bits. A large CIB takes many million lookups.
export const [partOfWord, space, quote, endOfName] = [1, 2, 4, 8];
const kinds = new Uint8Array(128);
for (const [characters, kind] of [
  ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-', partOfWord],
  [' \t\n\v\f\r', space | endOfName],
  [`"'`, quote | endOfName],
  ['=/<>', endOfName],
] as const) {
  for (const each of characters) kinds[each.charCodeAt(0)] = kind;
}

/** Whether the character is of that kind. NaN, as after the end of a text, is of no kind. */
export function is(kind: number, code: number): boolean {
  return code < 128 && ((kinds[code] ?? 0) & kind) !== 0;
}

export function skipSpaces(text: string, from: number): number {
  let at = from;
  while (is(space, text.charCodeAt(at))) at += 1;
  return at;
}
