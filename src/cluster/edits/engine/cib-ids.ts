import { Fault } from '../../../kit/fault.ts';
import { type EditableXml, walk } from '../../../parsers/xml-edit.ts';

/** Those that refer to what has the id; and a node, whose number or name is that of a remote node's resource. */
const noIds = ['resource_ref', 'obj_ref', 'role', 'node'];

/** All ids: no two elements of a CIB may have the same. */
export function idsIn(configuration: EditableXml): Set<string> {
  const ids = new Set<string>();
  for (const { element } of walk(configuration)) {
    if (noIds.includes(element.name)) continue;
    const id = element.attributes['id'];
    if (id !== undefined) ids.add(id);
  }
  return ids;
}

/**
 * The id that is wanted, made an NCName, with a number behind if it is taken; from then on it is.
 * @param wanted made of names that were checked, so outside of ASCII it is what an NCName may be
 */
export function freeId(ids: Set<string>, wanted: string): string {
  const name = wanted.replace(/[^\w.\u{80}-\u{10FFFF}-]/gu, '_').replace(/^(?=[0-9.-])/, '_');
  let id = name;
  for (let number = 1; ids.has(id); number += 1) id = `${name}-${number}`;
  ids.add(id);
  return id;
}

/** Faults: `id_exists` */
export function checkIdIsFree(configuration: EditableXml, id: string): void {
  if (!idsIn(configuration).has(id)) return;
  throw new Fault(
    'id_exists',
    `The id ${id} is taken already by something else in the configuration. Choose another name.`,
  );
}
