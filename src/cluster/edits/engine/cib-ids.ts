import { Fault } from '../../../kit/fault.ts';
import { type EditableXml, walk } from '../../../parsers/xml-edit.ts';

/** Elements whose `id` is a reference; and nodes, because the id of a remote node is that of its resource. */
const noIds = ['resource_ref', 'obj_ref', 'role', 'node'];

/** All ids of a configuration. They have to be unique. */
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
 * Turns `wanted` into an NCName that is not taken yet, by appending a number if necessary, and adds it to `ids`.
 * @param wanted consists of names that were checked, so its characters beyond ASCII are allowed in an NCName
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
    `The id ${id} is already taken in the configuration. Choose another name.`,
  );
}
