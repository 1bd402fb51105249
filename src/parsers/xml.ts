import { XMLParser } from 'fast-xml-parser';
import { SyntaxValidator } from 'fast-xml-validator';

import { Fault } from '../kit/fault.ts';

/** An element exactly as in the document: nothing is converted, dropped or trimmed. */
export interface XmlElement {
  name: string;
  attributes: Readonly<Record<string, string>>;
  children: readonly XmlElement[];
  /** All text directly inside, joined; undefined if there is none, not even white space. */
  text: string | undefined;
}

type OrderedNode = Readonly<Record<string, unknown>>;

const unlimited = { enabled: true, maxTotalExpansions: Infinity, maxExpandedLength: Infinity };

const options = {
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  trimValues: false,
  parseTagValue: false,
  parseAttributeValue: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  // A CIB may contain any number of &quot;. There is no doctype, so no entity can expand to more than one character.
  processEntities: unlimited,
  // libxml writes a newline in an attribute as &#10;, which the parser takes for an HTML entity.
  htmlEntities: true,
  // Rules may be nested. This is libxml's limit, so Pacemaker itself cannot read anything deeper.
  maxNestedTags: 256,
} as const;

const parser = new XMLParser(options);
const parserWithComments = new XMLParser({ ...options, commentPropName: '!--' });

/**
 * Reads a whole XML document.
 * @param keep.comments whether each comment becomes an element `!--` with a text; otherwise they are dropped
 * @returns its root element
 * @throws Fault `unreadable_output` if it is not well-formed, cut short, or has a doctype
 */
export function parseXml(text: string, keep = { comments: false }): XmlElement {
  if (/<!DOCTYPE/i.test(text)) throw unreadable('it has a doctype');
  let nodes: OrderedNode[];
  try {
    // The parser accepts an unclosed document. The validator throws.
    SyntaxValidator.validate(text);
    nodes = (keep.comments ? parserWithComments : parser).parse(text) as OrderedNode[];
  } catch (error) {
    throw unreadable(whatIsWrong(error));
  }
  const [root, ...others] = nodes
    .filter((node) => !('#text' in node || '!--' in node))
    .map(elementOf);
  if (root === undefined || others.length > 0)
    throw unreadable('it has not exactly one root element');
  return root;
}

/** The first child of that name. */
export function child(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((each) => each.name === name);
}

/** All children of that name, in document order. */
export function children(element: XmlElement | undefined, name: string): XmlElement[] {
  return element?.children.filter((each) => each.name === name) ?? [];
}

/** All elements of that name below `element`, however deep, in document order. */
export function descendants(element: XmlElement, name: string): XmlElement[] {
  return element.children.flatMap((each) => [
    ...(each.name === name ? [each] : []),
    ...descendants(each, name),
  ]);
}

function elementOf(node: OrderedNode): XmlElement {
  const { ':@': attributes = {}, ...rest } = node;
  const [name, content] = Object.entries(rest)[0] as [string, OrderedNode[]];
  const texts = content.flatMap((each) => ('#text' in each ? [String(each['#text'])] : []));
  return {
    name,
    attributes: attributes as Record<string, string>,
    children: content.filter((each) => !('#text' in each)).map(elementOf),
    text: texts.length > 0 ? texts.join('') : undefined,
  };
}

function whatIsWrong(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'line' in error ? `line ${String(error.line)}: ${error.message}` : error.message;
}

function unreadable(why: string): Fault {
  return new Fault(
    'unreadable_output',
    `XML that a tool printed cannot be read: ${why}. Please report it with what the tool prints.`,
  );
}
