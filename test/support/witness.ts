import { expect } from 'chai';

import type { JsonObject, JsonValue } from '../../src/routes/ha/documents/json.ts';
import type { XmlElement } from '../../src/parsers/xml.ts';

// The required content of an answer is derived from the document that a test has.

/**
 * Each attribute, element and text below an element, with its path.
 * @param textAlone how an element with only text is represented: as itself, or like an attribute
 */
export function factsOf(
  element: XmlElement,
  textAlone: 'itself' | 'attribute',
  path = '',
): string[] {
  const text = element.text?.trim() ?? '';
  return [
    ...Object.entries(element.attributes).map(([name, value]) => `${path}/${name}=${value}`),
    ...element.children.flatMap((each) =>
      textAlone === 'attribute' && isTextAlone(each)
        ? [`${path}/${each.name}=${each.text?.trim() ?? ''}`]
        : [`${path}/${each.name}`, ...factsOf(each, textAlone, `${path}/${each.name}`)],
    ),
    ...(text === '' ? [] : [`${path}/$t=${text}`]),
  ].sort();
}

/** The same for the JSON that was made from the element. */
export function factsOfJson(json: JsonObject, path = ''): string[] {
  return Object.entries(json)
    .flatMap(([key, value]) =>
      (isList(value) ? value : [value]).map((each) => [key, each] as const),
    )
    .flatMap(([key, value]) => {
      if (typeof value !== 'string')
        return [`${path}/${key}`, ...factsOfJson(value as JsonObject, `${path}/${key}`)];
      // The key '$t' stands for white space.
      return key === '$t' && value === '' ? [] : [`${path}/${key}=${value}`];
    })
    .sort();
}

/** The values of all attributes in an element, except in children of those names. */
export function valuesOf(element: XmlElement, except: readonly string[] = []): string[] {
  return [
    ...Object.values(element.attributes),
    ...element.children
      .filter(({ name }) => !except.includes(name))
      .flatMap((each) => valuesOf(each, except)),
  ];
}

export function valuesWithout({ attributes }: XmlElement, ...names: string[]): string[] {
  return Object.entries(attributes).flatMap(([name, value]) =>
    names.includes(name) ? [] : [value],
  );
}

/** Fails unless each of the values is a key or a value somewhere in the answer. */
export function expectValues(answer: unknown, values: readonly string[], where: string): void {
  const said = new Set<string>();
  JSON.stringify(answer, (key, value: unknown) => {
    said.add(key);
    if (typeof value === 'string') said.add(value);
    return value;
  });
  expect(
    values.filter((value) => !said.has(value)),
    `missing in ${where}`,
  ).to.deep.equal([]);
}

export function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

export function idOf({ attributes }: XmlElement): string {
  return attributes['id'] ?? '';
}

function isTextAlone({ attributes, children: inside, text }: XmlElement): boolean {
  return text !== undefined && Object.keys(attributes).length === 0 && inside.length === 0;
}
