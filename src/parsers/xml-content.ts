import type { XmlElement } from './xml.ts';

/** The content of an element, by names: attributes as text, child elements as lists. */
export interface XmlContent {
  readonly [name: string]: string | readonly (string | XmlContent)[];
}

/** An element's content in one shape, whatever it is. Text that is not white space is `$t`. */
export function contentOf({ attributes, children, text }: XmlElement): XmlContent {
  const entries = new Map<string, string | (string | XmlContent)[]>(Object.entries(attributes));
  for (const each of children) {
    const present = entries.get(each.name);
    if (Array.isArray(present)) present.push(contentOf(each));
    // No schema has an attribute and a child with the same name. If one ever does, neither is lost.
    else entries.set(each.name, [...(present === undefined ? [] : [present]), contentOf(each)]);
  }
  const trimmed = text?.trim() ?? '';
  if (trimmed !== '') entries.set('$t', trimmed);
  return Object.fromEntries(entries);
}
