import type { XmlElement } from '../../../cluster/model.ts';
import type { JsonValue } from './json.ts';

/**
 * Turns an element into JSON by the rules of the converter that the documented API was made with:
 * - attributes and child elements become keys, all values are strings, document order is kept;
 * - children of one name become an array if there are several, or if `isList` says so;
 * - `<x/>` is `{}`; `<x> </x>` is `""`; text alone is the text, trimmed;
 * - text next to attributes is `$t`, even if it is only white space; white space between child elements is dropped.
 * @param isList whether a child is an array even when it is alone
 */
export function toJson(
  element: XmlElement,
  isList: (parent: string, child: string) => boolean,
): JsonValue {
  const { attributes, children, text } = element;
  const trimmed = text?.trim();
  const hasAttributes = Object.keys(attributes).length > 0;
  if (!hasAttributes && children.length === 0 && trimmed !== undefined) return trimmed;

  const entries = new Map<string, JsonValue | JsonValue[]>(Object.entries(attributes));
  for (const each of children) {
    const value = toJson(each, isList);
    const present = entries.get(each.name);
    if (Array.isArray(present)) present.push(value);
    else if (present !== undefined) entries.set(each.name, [present, value]);
    else entries.set(each.name, isList(element.name, each.name) ? [value] : value);
  }
  if (trimmed !== undefined && (trimmed !== '' || children.length === 0))
    entries.set('$t', trimmed);
  return Object.fromEntries(entries);
}
