import { type EditableXml, parseEditableXml } from '../../src/parsers/xml-edit.ts';

/**
 * Applies a patch to a CIB, in the same steps as Pacemaker (xml_apply_patchset in libcrmcommon): it deletes and
 * modifies first, then creates and moves in the order of the positions. test/system/edits.ts shows that this is correct.
 */
export function patchedCib(cib: EditableXml, patch: string): EditableXml {
  const root = structuredClone(cib);
  const placements: { position: number; parent: EditableXml; element: EditableXml }[] = [];
  for (const { name, attributes, children } of parseEditableXml(patch).children) {
    const { operation, path = '' } = attributes;
    if (name !== 'change') continue;
    const found = elementAt(root, path);
    const position = Number(attributes['position']);
    switch (operation) {
      case 'create':
        placements.push({ position, parent: found.element, element: children[0] as EditableXml });
        break;
      case 'move':
        placements.push({ position, ...found });
        found.parent.children.push(takenFrom(found));
        break;
      case 'modify': {
        const result = children.find((each) => each.name === 'change-result');
        found.element.attributes = { ...result?.children[0]?.attributes };
        break;
      }
      case 'delete':
        takenFrom(found);
        break;
      default:
        throw new Error(`no operation: ${operation ?? ''}`);
    }
  }
  for (const { position, parent, element } of placements.toSorted(
    (a, b) => a.position - b.position,
  )) {
    if (parent.children.includes(element)) takenFrom({ element, parent });
    parent.children.splice(position, 0, element);
  }
  return root;
}

interface Found {
  element: EditableXml;
  parent: EditableXml;
}

function takenFrom({ element, parent }: Found): EditableXml {
  parent.children.splice(parent.children.indexOf(element), 1);
  return element;
}

/** Finds the first element with the name and id of each step. Throws if there is none. */
export function elementAt(root: EditableXml, path: string): Found {
  let found: Found = { element: root, parent: root };
  const [first, ...steps] = path.split('/').slice(1);
  if (first !== root.name) throw new Error(`not in this document: ${path}`);
  for (const step of steps) {
    const [, name, id] = /^([^[]*)(?:\[@id='([^']*)'\])?$/.exec(step) ?? [];
    const parent = found.element;
    const element = parent.children.find(
      (each) => each.name === name && (id === undefined || each.attributes['id'] === id),
    );
    if (element === undefined) throw new Error(`not there: ${path}`);
    found = { element, parent };
  }
  return found;
}
