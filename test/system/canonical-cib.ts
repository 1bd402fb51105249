import { XMLParser } from 'fast-xml-parser';

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
});

/** An element from the parser. */
type Parsed = Record<string, Parsed[]> & { ':@'?: Record<string, string> };

/** An element: its name, its attributes by name, and its children. */
export type Canonical = [
  name: string,
  attributes: Readonly<Record<string, string>>,
  children: Canonical[],
];

const sets = ['instance_attributes', 'meta_attributes', 'utilization', 'cluster_property_set'];
/** Elements whose order has no meaning. */
const unordered = [...sets, 'operations', 'op', 'nvpair'];
/** Elements whose ids no other element refers to. Each tool generates other ids. */
const withGeneratedId = [...sets, 'nvpair', 'fencing-level'];

/**
 * The meaning of a configuration: without empty sets, and sorted where the order has no meaning.
 * @param options.generatedIds whether elements count as different if only their generated ids differ
 */
export function canonical(xml: string, options = { generatedIds: true }): Canonical[] {
  return canonicalOf(parser.parse(xml) as Parsed[], options.generatedIds);
}

function canonicalOf(elements: readonly Parsed[], generatedIds: boolean): Canonical[] {
  const all = elements.flatMap((element): Canonical[] => {
    const [name = ''] = Object.keys(element).filter((key) => key !== ':@');
    const children = canonicalOf(element[name] ?? [], generatedIds);
    if (sets.includes(name) && children.length === 0) return [];
    const { id = '', ...others } = element[':@'] ?? {};
    const isLeftOut = !generatedIds && withGeneratedId.includes(name);
    return [[name, isLeftOut ? others : { id, ...others }, children]];
  });
  const key = (each: Canonical) => JSON.stringify(each);
  const free = all.filter(([name]) => unordered.includes(name));
  const fixed = all.filter(([name]) => !unordered.includes(name));
  return [...free.toSorted((a, b) => (key(a) < key(b) ? -1 : 1)), ...fixed];
}
