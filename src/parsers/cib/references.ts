import type { XmlElement } from '../xml.ts';

/** The element itself, or the one to which it refers. */
export type Follow = (element: XmlElement) => XmlElement;

/**
 * Follows the references (`id-ref`) of a CIB as Pacemaker does (`expand_idref` and `populate_hash` in libpe_rules): a
 * single step, to the element of the same name with that id. A pair may use the value of another under a different name.
 * A reference without a target stays as it is.
 */
export function followIn(root: XmlElement): Follow {
  let targets: Map<string, XmlElement> | undefined;
  return (element) => {
    const { 'id-ref': reference, name } = element.attributes;
    if (reference === undefined) return element;
    // Made only when needed, because most CIBs have no reference.
    targets ??= byNameAndId(root);
    const target = targets.get(keyOf(element.name, reference));
    if (target === undefined) return element;
    if (element.name !== 'nvpair' || name === undefined) return target;
    return { ...target, attributes: { ...target.attributes, name } };
  };
}

function byNameAndId(root: XmlElement): Map<string, XmlElement> {
  const found = new Map<string, XmlElement>();
  const left = [root];
  for (let each = left.pop(); each !== undefined; each = left.pop()) {
    const { id } = each.attributes;
    if (id !== undefined) found.set(keyOf(each.name, id), each);
    left.push(...each.children);
  }
  return found;
}

function keyOf(name: string, id: string): string {
  return `${name} ${id}`;
}
