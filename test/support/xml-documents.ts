import fc from 'fast-check';

import type { XmlElement } from '../../src/parsers/xml.ts';

const special = [
  '<',
  '>',
  '&',
  '"',
  "'",
  '\n',
  '\t',
  '\r',
  ' ',
  '&amp;',
  '&#10;',
  ']]>',
  '<!--',
  '%',
];

/** Any text that XML can contain, usually with characters that must be escaped. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  { weight: 8, arbitrary: fc.string({ unit: 'grapheme', maxLength: 8 }) },
  {
    weight: 8,
    arbitrary: fc.string({ unit: fc.constantFrom(...special, 'é', '\u2028'), maxLength: 8 }),
  },
  {
    weight: 1,
    // Texts with a special meaning in JavaScript, or for a converter that guesses types.
    arbitrary: fc.constantFrom('__proto__', 'constructor', 'toString', 'true', '007', '1e3', '0x1'),
  },
  { weight: 1, arbitrary: fc.nat(5000).map((length) => 'x'.repeat(length)) },
);

/** A name of an element or attribute that Pacemaker has or may have. */
export const anyName: fc.Arbitrary<string> = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/);

/** A document of elements and attributes at any place. */
export function anyDocument(
  elementNames: fc.Arbitrary<string>,
  attributeNames: fc.Arbitrary<string> = anyName,
  depth = 3,
): fc.Arbitrary<XmlElement> {
  return fc.record({
    name: elementNames,
    attributes: fc.dictionary(attributeNames, anyText, { maxKeys: 4, noNullPrototype: true }),
    children:
      depth === 0
        ? fc.constant([])
        : fc.array(anyDocument(elementNames, attributeNames, depth - 1), { maxLength: 4 }),
    text: fc.option(anyText.filter(Boolean), { nil: undefined }),
  });
}

/** The elements of a document that get something new: the first and every nth, the second and every nth, and so on. */
export const anyPlaces: fc.Arbitrary<readonly boolean[]> = fc.array(fc.boolean(), {
  minLength: 1,
  maxLength: 8,
});

/** The document with a different unknown attribute and element in some of its elements. */
export function withSomethingNew(
  element: XmlElement,
  places: readonly boolean[],
  number = 0,
): XmlElement {
  const { attributes } = element;
  const children = element.children.map((each, index) =>
    withSomethingNew(each, places, 31 * number + index + 1),
  );
  if (places[number % places.length] !== true) return { ...element, children };
  const newer = { name: 'newer', attributes: { in: `${number}` }, children: [], text: undefined };
  return {
    ...element,
    attributes: { ...attributes, newest: `of ${number}` },
    children: [...children, newer],
  };
}

/** The document as text, in libxml's format. Text comes before the children. */
export function xmlOf({ name, attributes, children, text = '' }: XmlElement): string {
  const attributeTexts = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${escaped(value, /[<>&"\n\t\r]/g)}"`,
  );
  const tag = `${name}${attributeTexts.join('')}`;
  const inside = `${escaped(text, /[<>&\r]/g)}${children.map(xmlOf).join('')}`;
  return inside === '' ? `<${tag}/>` : `<${tag}>${inside}</${name}>`;
}

const entities = new Map([
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['&', '&amp;'],
  ['"', '&quot;'],
]);

function escaped(text: string, characters: RegExp): string {
  return text.replace(
    characters,
    (character) => entities.get(character) ?? `&#${character.charCodeAt(0)};`,
  );
}
