import { followIn } from '../../../parsers/cib/references.ts';
import { type EditableXml, writeXml } from '../../../parsers/xml-edit.ts';

// Parts of a configuration that something else uses by their ids: attribute sets, pairs in them and operations (`id-ref`
// in nvset.rng and resources-*.rng), rules and sets of resources, what an ACL is about, and what a tag marks. All are
// IDREFs in Pacemaker's schemas, so it refuses a CIB in which one refers to nothing.

interface Reference {
  /** The id of the resource, constraint … that it is in, or the name of the node. */
  holder: string;
  target: string;
  /** Whether what it leads to counts for the holder as if it stood there. */
  isUse: boolean;
}

/** All that has an id, with that of the resource, constraint … that it is in, and all references. */
interface Parts {
  parts: Map<string, { element: EditableXml; holder: string }>;
  references: Reference[];
}

/** What an edit must not leave without its target: all references that have one. */
export function referencesIn(configuration: EditableXml): readonly Reference[] {
  const { parts, references } = partsOf(configuration);
  return references.filter(({ target }) => parts.has(target));
}

/**
 * @param before the references that there were before an edit
 * @returns what is wrong with an edit that took away what is still referred to, a sentence each
 */
export function problemsOfLost(configuration: EditableXml, before: readonly Reference[]): string[] {
  if (before.length === 0) return [];
  const targets = new Set(before.map(({ target }) => target));
  const { parts, references } = partsOf(configuration);
  const lost = references.filter(({ target }) => targets.has(target) && !parts.has(target));
  const sentences = lost.map(
    ({ holder, target }) =>
      `${holder} refers to ${target}, which would be gone. Take that reference out of ${holder} first, or delete ${holder}.`,
  );
  return [...new Set(sentences)];
}

/**
 * What inside of the element counts for others as well: each with the id of the other, as it is now.
 * @param configuration with the element in it
 */
export function usesOf(configuration: EditableXml, element: EditableXml): Map<string, string> {
  const inside = partsOf(element).parts;
  const uses = new Map<string, string>();
  for (const { holder, target, isUse } of partsOf(configuration).references) {
    const part = inside.get(target)?.element;
    if (!isUse || part === undefined || holder === element.attributes['id']) continue;
    uses.set(holder, `${uses.get(holder) ?? ''}${writeXml(part)}`);
  }
  return uses;
}

/** The id of the set or pair by which an element has a pair of that name from elsewhere, if it has. */
export function referenceTo(
  configuration: EditableXml,
  { children }: EditableXml,
  kind: string,
  name: string,
): string | undefined {
  const follow = followIn(configuration);
  for (const set of children.filter((each) => each.name === kind)) {
    const { 'id-ref': whole } = set.attributes;
    for (const pair of follow(set).children) {
      const reference = whole ?? pair.attributes['id-ref'];
      if (reference !== undefined && follow(pair).attributes['name'] === name) return reference;
    }
  }
  return undefined;
}

/** The resource, template, node … that the element of that id is in. */
export function holderOf(configuration: EditableXml, id: string): string {
  return partsOf(configuration).parts.get(id)?.holder ?? id;
}

function partsOf(root: EditableXml): Parts {
  const found: Parts = { parts: new Map(), references: [] };
  collect(root, 0, '', found);
  return found;
}

const resources = ['primitive', 'group', 'clone', 'master', 'bundle', 'template'];

/** @param depth counted from the configuration: what stands in its sections has 2 */
function collect(element: EditableXml, depth: number, around: string, found: Parts): void {
  const { name, attributes, children } = element;
  const { id, 'id-ref': use, reference, uname = id } = attributes;
  const isMark = name === 'obj_ref';
  const holder = uname !== undefined && (depth === 2 || resources.includes(name)) ? uname : around;
  if (id !== undefined && !isMark && name !== 'resource_ref') {
    found.parts.set(id, { element, holder });
  }
  const target = use ?? reference ?? (isMark ? id : undefined);
  if (target !== undefined) {
    found.references.push({ holder, target, isUse: use !== undefined });
  }
  for (const each of children) collect(each, depth + 1, holder, found);
}
