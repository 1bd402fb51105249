import { Fault } from '../../errors.ts';
import {
  childToEdit,
  type EditableXml,
  newElement,
  removeChildren,
  walk,
} from '../../parsers/xml-edit.ts';
import type { AgentName } from '../agent-metadata.ts';
import { nodeNotFound } from '../nodes.ts';
import { resourceNotFound } from '../resources.ts';

export type Pairs = Readonly<Record<string, string>>;

const containers = ['group', 'clone', 'master', 'bundle'];

/** A resource in the CIB, and what it is in. */
export interface PlacedResource {
  element: EditableXml;
  /** The groups, clones and bundles around it, the nearest first. */
  around: readonly EditableXml[];
}

/**
 * The primitive, group, clone or bundle of that id.
 * Faults: `resource_not_found`
 */
export function resourceIn(configuration: EditableXml, id: string): PlacedResource {
  const found = findResource(configuration, id);
  if (found === undefined) throw resourceNotFound(id);
  return found;
}

export function findResource(configuration: EditableXml, id: string): PlacedResource | undefined {
  return findInside(childToEdit(configuration, 'resources'), id, []);
}

function findInside(
  { children }: EditableXml,
  id: string,
  around: readonly EditableXml[],
): PlacedResource | undefined {
  for (const element of children.filter(isResource)) {
    const found =
      element.attributes['id'] === id
        ? { element, around }
        : findInside(element, id, [element, ...around]);
    if (found) return found;
  }
  return undefined;
}

/** The fence device of that id. Faults: `resource_not_found` */
export function fenceDeviceIn(configuration: EditableXml, id: string): PlacedResource {
  const found = resourceIn(configuration, id);
  if (!isFenceDevice(configuration, found.element)) throw resourceNotFound(id);
  return found;
}

export function isFenceDevice(configuration: EditableXml, primitive: EditableXml): boolean {
  return agentNameOf(configuration, primitive).class === 'stonith';
}

/** The agent of a primitive, which its template may name. */
export function agentNameOf(configuration: EditableXml, { attributes }: EditableXml): AgentName {
  const template = childToEdit(configuration, 'resources').children.find(
    (each) => each.name === 'template' && each.attributes['id'] === attributes['template'],
  );
  const { class: standard = '', provider, type = '' } = template?.attributes ?? attributes;
  return { class: standard, provider, type };
}

export function isResource({ name }: EditableXml): boolean {
  return name === 'primitive' || containers.includes(name);
}

export function isClone({ name }: EditableXml): boolean {
  return name === 'clone' || name === 'master';
}

/** A resource, and all that are in it. */
export function resourcesIn(element: EditableXml): EditableXml[] {
  return [element, ...membersOf(element).flatMap(resourcesIn)];
}

/** The resources right inside. */
export function membersOf(element: EditableXml): EditableXml[] {
  return element.children.filter(isResource);
}

/** The cluster node of that name. Faults: `node_not_found` */
export function nodeIn(configuration: EditableXml, name: string): EditableXml {
  const node = childToEdit(configuration, 'nodes').children.find(
    (each) => each.attributes['uname'] === name,
  );
  if (node === undefined) throw nodeNotFound(name);
  return node;
}

/** Whether a node of that name is known: a cluster node, or a remote or guest node by its resource. */
export function checkNode(configuration: EditableXml, name: string): void {
  const remote = findResource(configuration, name)?.element.attributes['type'] === 'remote';
  const guest = [...walk(configuration)].some(
    ({ element: { name: kind, attributes } }) =>
      kind === 'nvpair' && attributes['name'] === 'remote-node' && attributes['value'] === name,
  );
  if (!remote && !guest) nodeIn(configuration, name);
}

/**
 * Gives a pair its value where it is, or else in the set `setId`, the first set or a new one. No other set that
 * always counts has it then.
 */
export function setPair(
  configuration: EditableXml,
  owner: EditableXml,
  kind: 'meta_attributes' | 'instance_attributes' | 'cluster_property_set',
  setId: string,
  name: string,
  value: string,
): void {
  const sets = plainSets(owner, kind);
  const chosen = sets.find(({ attributes }) => attributes['id'] === setId) ?? sets[0];
  const present =
    chosen?.children.find((each) => isPair(each, name)) ??
    sets.flatMap((set) => set.children).find((each) => isPair(each, name));
  if (present) {
    for (const set of sets) removeChildren(set, (each) => each !== present && isPair(each, name));
    present.attributes['value'] = value;
    return;
  }
  const ids = idsIn(configuration);
  const set = chosen ?? newElement(kind, { id: freeId(ids, setId) });
  if (chosen === undefined) addSet(owner, set);
  const id = freeId(ids, `${set.attributes['id'] ?? setId}-${name}`);
  set.children.push(newElement('nvpair', { id, name, value }));
}

/** Gives each pair of a set its value; an empty one takes it away. */
export function setPairs(
  configuration: EditableXml,
  owner: EditableXml,
  kind: 'meta_attributes' | 'instance_attributes',
  pairs: Pairs,
): void {
  for (const [name, value] of Object.entries(pairs)) {
    if (value === '') unsetPair(owner, kind, name);
    else setPair(configuration, owner, kind, `${owner.attributes['id']}-${kind}`, name, value);
  }
}

/** A new set of these pairs, in alphabetical order, as pcs makes one. */
export function newSet(
  ids: Set<string>,
  kind: 'meta_attributes' | 'instance_attributes',
  ownerId: string,
  pairs: Pairs,
): EditableXml {
  const setId = freeId(ids, `${ownerId}-${kind}`);
  const names = Object.keys(pairs).sort();
  const elements = names.map((name) =>
    newElement('nvpair', { id: freeId(ids, `${setId}-${name}`), name, value: pairs[name] }),
  );
  return newElement(kind, { id: setId }, elements);
}

/** The pairs of all sets without a rule; of a name that is there twice, the first. */
export function pairsIn(owner: EditableXml, kind: string): Record<string, string> {
  const pairs = plainSets(owner, kind)
    .flatMap(({ children }) => children)
    .map(({ attributes: { name = '', value = '' } }): [string, string] => [name, value]);
  return Object.fromEntries(pairs.reverse());
}

/** Takes a pair out of every set without a rule, and tells whether it was in any. */
export function unsetPair(owner: EditableXml, kind: string, name: string): boolean {
  return plainSets(owner, kind)
    .map((set) => removeChildren(set, (each) => isPair(each, name)))
    .includes(true);
}

/** Sets that always count, and that are no reference to another. */
function plainSets(owner: EditableXml, kind: string): EditableXml[] {
  return owner.children.filter(
    (each) =>
      each.name === kind &&
      each.attributes['id-ref'] === undefined &&
      !each.children.some(({ name }) => name === 'rule'),
  );
}

/** Where the schema wants it: before the operations and what is inside (resources-*.rng). */
function addSet(owner: EditableXml, set: EditableXml): void {
  const after = ['utilization', 'operations', 'primitive', ...containers];
  const index = owner.children.findIndex(({ name }) => after.includes(name));
  owner.children.splice(index < 0 ? owner.children.length : index, 0, set);
}

function isPair({ name: kind, attributes }: EditableXml, name: string): boolean {
  return kind === 'nvpair' && attributes['name'] === name;
}

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
