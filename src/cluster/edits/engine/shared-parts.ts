import { followIn } from '../../../parsers/cib/references.ts';
import { type EditableXml, writeXml } from '../../../parsers/xml-edit.ts';

// Finds parts of a configuration that are used by their ids: attribute sets, their pairs and operations (`id-ref` in
// nvset.rng and resources-*.rng), rules, sets of resources, and the objects of ACLs and tags. All references are IDREFs in
// Pacemaker's schemas, so Pacemaker refuses a CIB in which one has no target.

interface Reference {
  /** The id of the resource, constraint … around it, or the name of the node. */
  holder: string;
  target: string;
  /** Whether its target counts for the holder as if it were the holder's own. */
  isUse: boolean;
}

/** All elements with ids, with the ids of their holders; and all references. */
interface Parts {
  parts: Map<string, { element: EditableXml; holder: string }>;
  references: Reference[];
}

/** All references that have a target, which an edit must not remove. */
export function referencesIn(configuration: EditableXml): readonly Reference[] {
  const { parts, references } = partsOf(configuration);
  return references.filter(({ target }) => parts.has(target));
}

/**
 * @param before the references before an edit
 * @returns a sentence for each reference whose target the edit removed
 */
export function problemsOfLost(configuration: EditableXml, before: readonly Reference[]): string[] {
  if (before.length === 0) return [];
  const targets = new Set(before.map(({ target }) => target));
  const { parts, references } = partsOf(configuration);
  const lost = references.filter(({ target }) => targets.has(target) && !parts.has(target));
  const sentences = lost.map(
    ({ holder, target }) =>
      `${holder} refers to ${target}, which would be gone. Remove that reference from ${holder} first, or delete ${holder}.`,
  );
  return [...new Set(sentences)];
}

/**
 * Finds the parts of an element that other elements use.
 * @param configuration contains the element
 * @returns the current text of these parts, by the id of the element that uses them
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

/** The id of the set or pair to which an element refers for a pair of that name; undefined if it does not. */
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

/** The resource, template, node … around the element of that id. */
export function holderOf(configuration: EditableXml, id: string): string {
  return partsOf(configuration).parts.get(id)?.holder ?? id;
}

function partsOf(root: EditableXml): Parts {
  const found: Parts = { parts: new Map(), references: [] };
  collect(root, 0, '', found);
  return found;
}

const resources = ['primitive', 'group', 'clone', 'master', 'bundle', 'template'];

/** @param depth counts from the configuration: the elements in its sections have 2 */
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
