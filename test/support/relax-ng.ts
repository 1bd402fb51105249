import { posix } from 'node:path';

import fc from 'fast-check';

import { children, parseXml, type XmlElement } from '../../src/parsers/xml.ts';
import { anyName, anyText } from './xml-documents.ts';

/** The content of an element, or of an attribute's value. */
type Item = { attribute: string; value: string } | { element: XmlElement } | { text: string };
type Content = readonly Item[];

/** Undefined if nothing is allowed there. */
type ContentArbitrary = fc.Arbitrary<Content> | undefined;

interface Grammar {
  definitions: Map<string, Definition[]>;
  parent: Grammar | undefined;
}

/** The place of a pattern. The grammar around it resolves references, and its file resolves links. */
interface Place {
  grammar: Grammar;
  file: string;
}

interface Definition {
  patterns: readonly XmlElement[];
  combine: string | undefined;
  place: Place;
}

const start = '';
const nothing: fc.Arbitrary<Content> = fc.constant([]);

// An id must be unique in the document, and a reference must lead to one. So both are marks first.
const idMark = '\uE000';
const referenceMark = '\uE001';

/** The data types of XML Schema that Pacemaker uses. */
const dataTypes: Readonly<Record<string, fc.Arbitrary<string>>> = {
  string: anyText,
  boolean: fc.constantFrom('true', 'false', '1', '0'),
  integer: fc.integer().map(String),
  nonNegativeInteger: fc.nat().map(String),
  positiveInteger: fc.integer({ min: 1 }).map(String),
  double: fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  NCName: anyName,
  ID: fc
    .oneof(anyName, fc.constantFrom('constructor', '__proto__', 'É.1'))
    .map((name) => `${idMark}${name}`),
  IDREF: fc.nat().map((which) => `${referenceMark}${which}`),
};

/**
 * Makes random documents that a schema in RELAX NG allows (XML syntax, relaxng.org, "RELAX NG Specification"). It
 * supports what Pacemaker's schemas use.
 * @param files the texts of the schema's files and of all linked files, by path
 * @param deepest from this depth of elements on, a document has only what the schema requires
 * @returns the documents of the schema in that file
 */
export function relaxNg(
  files: ReadonlyMap<string, string>,
  deepest = 9,
): (file: string) => fc.Arbitrary<XmlElement> {
  const roots = new Map<string, XmlElement>();

  return (file) => {
    const made = linked(file, 0);
    if (made === undefined) throw new Error(`${file} allows no document.`);
    return made.map((content) => withIds(elementOf('', content).children[0] as XmlElement));
  };

  function rootOf(file: string): XmlElement {
    const root = roots.get(file) ?? parseXml(files.get(file) ?? '');
    roots.set(file, root);
    return root;
  }

  function linked(file: string, depth: number): ContentArbitrary {
    const root = rootOf(file);
    return make(root, { grammar: { definitions: new Map(), parent: undefined }, file }, depth);
  }

  function make(pattern: XmlElement, place: Place, depth: number): ContentArbitrary {
    const { attributes } = pattern;
    const inside = () => group(pattern.children, place, depth);
    const isDeep = depth >= deepest;
    switch (pattern.name) {
      case 'grammar':
        return named(start, grammarOf(pattern, place), depth);
      case 'ref':
        return named(attributes['name'] ?? '', place.grammar, depth);
      case 'parentRef':
        return named(attributes['name'] ?? '', place.grammar.parent, depth);
      case 'externalRef':
        return linked(linkOf(pattern, place), depth);
      case 'element': {
        const { names, patterns } = nameClass(pattern);
        const content = group(patterns, place, depth + 1);
        return (
          content &&
          fc.tuple(names, content).map(([name, each]) => [{ element: elementOf(name, each) }])
        );
      }
      case 'attribute': {
        const { names, patterns } = nameClass(pattern);
        const content = patterns.length === 0 ? textItem(anyText) : group(patterns, place, depth);
        return (
          content &&
          fc.tuple(names, content).map(([attribute, each]) => [{ attribute, value: textOf(each) }])
        );
      }
      case 'text':
        return textItem(anyText);
      case 'value':
        return textItem(fc.constant(pattern.text ?? ''));
      case 'data':
        return textItem(dataOf(pattern));
      case 'empty':
        return nothing;
      case 'notAllowed':
        return undefined;
      case 'group':
        return inside();
      case 'interleave':
        return interleaved(pattern.children.map((each) => make(each, place, depth)));
      case 'choice':
        // In a recursive definition, the branch that ends it comes first.
        return oneOf(
          (isDeep ? pattern.children.slice(0, 1) : pattern.children).map((each) =>
            make(each, place, depth),
          ),
        );
      case 'optional':
        return isDeep ? nothing : oneOf([nothing, inside()]);
      case 'zeroOrMore':
        return isDeep ? nothing : (repeated(inside(), 0, depth) ?? nothing);
      case 'oneOrMore':
        return isDeep ? inside() : repeated(inside(), 1, depth);
      default:
        throw new Error(`${place.file}: <${pattern.name}> is not understood.`);
    }
  }

  function group(patterns: readonly XmlElement[], place: Place, depth: number): ContentArbitrary {
    const parts = patterns.map((each) => make(each, place, depth));
    return allowed(parts) ? fc.tuple(...parts).map((contents) => contents.flat()) : undefined;
  }

  function named(name: string, grammar: Grammar | undefined, depth: number): ContentArbitrary {
    const definitions = grammar?.definitions.get(name);
    if (definitions === undefined) throw new Error(`Nothing defines "${name}".`);
    const parts = definitions.map(({ patterns, place }) => group(patterns, place, depth));
    return definitions.some(({ combine }) => combine === 'interleave')
      ? interleaved(parts)
      : oneOf(parts);
  }

  function grammarOf(element: XmlElement, { grammar: parent, file }: Place): Grammar {
    const grammar: Grammar = { definitions: new Map(), parent };
    define(element, { grammar, file }, []);
    return grammar;
  }

  /** @param overridden the definitions of the including file */
  function define(from: XmlElement, place: Place, overridden: readonly string[]): void {
    for (const each of from.children) {
      if (each.name === 'include') {
        const file = linkOf(each, place);
        const own = each.children.map(nameOf);
        define(rootOf(file), { ...place, file }, [...overridden, ...own]);
        define(each, place, overridden);
      } else if (!overridden.includes(nameOf(each))) {
        const { definitions } = place.grammar;
        const definition = { patterns: each.children, combine: each.attributes['combine'], place };
        definitions.set(nameOf(each), [...(definitions.get(nameOf(each)) ?? []), definition]);
      }
    }
  }
}

/** The name of a `<define>`; `<start>` has none. */
function nameOf({ attributes }: XmlElement): string {
  return attributes['name'] ?? start;
}

function linkOf({ attributes }: XmlElement, { file }: Place): string {
  return posix.join(posix.dirname(file), attributes['href'] ?? '');
}

function nameClass({ attributes, children: inside }: XmlElement): {
  names: fc.Arbitrary<string>;
  patterns: readonly XmlElement[];
} {
  const { name } = attributes;
  // The specification requires this, and Pacemaker's `<attribute name="id ">` needs it.
  if (name !== undefined) return { names: fc.constant(name.trim()), patterns: inside };
  const [first, ...patterns] = inside;
  return { names: first?.name === 'name' ? fc.constant(first.text ?? '') : anyName, patterns };
}

function dataOf(pattern: XmlElement): fc.Arbitrary<string> {
  const { type = '' } = pattern.attributes;
  let data = dataTypes[type];
  if (data === undefined) throw new Error(`The data type "${type}" is not understood.`);
  for (const { attributes, text = '' } of children(pattern, 'param')) {
    if (attributes['name'] === 'pattern') data = fc.stringMatching(new RegExp(`^(?:${text})$`));
    else if (attributes['name'] === 'maxInclusive')
      data = fc.integer({ min: 1, max: Number(text) }).map(String);
    else throw new Error(`The parameter "${attributes['name'] ?? ''}" is not understood.`);
  }
  const excepted = children(pattern, 'except')
    .flatMap((each) => [...children(each, 'choice'), each])
    .flatMap((each) => children(each, 'value'))
    .map(({ text }) => text);
  return data.filter((value) => !excepted.includes(value));
}

function textItem(texts: fc.Arbitrary<string>): fc.Arbitrary<Content> {
  return texts.map((text) => [{ text }]);
}

function allowed(parts: readonly ContentArbitrary[]): parts is readonly fc.Arbitrary<Content>[] {
  return !parts.includes(undefined);
}

function oneOf(parts: readonly ContentArbitrary[]): ContentArbitrary {
  const possible = parts.filter((each) => each !== undefined);
  return possible.length > 0 ? fc.oneof(...possible) : undefined;
}

function interleaved(parts: readonly ContentArbitrary[]): ContentArbitrary {
  if (!allowed(parts)) return undefined;
  const { length } = parts;
  const orders = fc.shuffledSubarray([...parts.keys()], { minLength: length });
  return fc
    .tuple(orders, fc.tuple(...parts))
    .map(([order, contents]) => order.flatMap((index) => contents[index] ?? []));
}

/** Fewer children at greater depth, because nested lists would make documents of any size. */
function repeated(part: ContentArbitrary, minLength: number, depth: number): ContentArbitrary {
  const maxLength = Math.max(1, 4 - Math.floor(depth / 2));
  return part && fc.array(part, { minLength, maxLength }).map((contents) => contents.flat());
}

function textOf(content: Content): string {
  return content.map((each) => ('text' in each ? each.text : '')).join('');
}

function elementOf(name: string, content: Content): XmlElement {
  return {
    name,
    attributes: Object.fromEntries(
      content.flatMap((each) =>
        'attribute' in each ? [[each.attribute, each.value] as const] : [],
      ),
    ),
    children: content.flatMap((each) => ('element' in each ? [each.element] : [])),
    text: textOf(content) || undefined,
  };
}

/** The document with unique ids in place of the marks, and references to them. */
function withIds(root: XmlElement): XmlElement {
  const ids = new Set<string>();
  const withValues = (element: XmlElement, change: (value: string) => string): XmlElement => ({
    ...element,
    attributes: Object.fromEntries(
      Object.entries(element.attributes).map(([name, value]) => [name, change(value)]),
    ),
    children: element.children.map((each) => withValues(each, change)),
  });
  const numbered = withValues(root, (value) => {
    if (!value.startsWith(idMark)) return value;
    let id = value.slice(1);
    while (ids.has(id)) id += '-';
    ids.add(id);
    return id;
  });
  const all = [...ids];
  return withValues(numbered, (value) =>
    value.startsWith(referenceMark)
      ? (all[Number(value.slice(1)) % all.length] ?? 'nothing')
      : value,
  );
}
