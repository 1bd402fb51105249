import { XMLParser } from 'fast-xml-parser';

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
});

/** An element as the parser gives it. */
type Parsed = Record<string, Parsed[]> & { ':@'?: Record<string, string> };

/** An element, its attributes by name, and what is in it. */
export type Canonical = [
  name: string,
  attributes: Readonly<Record<string, string>>,
  children: Canonical[],
];

const sets = ['instance_attributes', 'meta_attributes', 'utilization', 'cluster_property_set'];
/** What means the same in whatever order it stands. */
const unordered = [...sets, 'operations', 'op', 'nvpair'];
/** Nobody refers to the ids of these, which each tool makes as it likes. */
const withGeneratedId = [...sets, 'nvpair', 'fencing-level'];

/**
 * What a configuration says: without sets that are empty, and with all in one order that means the same in any.
 * @param options.generatedIds whether to tell from each other what differs in an id that was made up alone
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
