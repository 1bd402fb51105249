import { Fault } from '../../../kit/fault.ts';
import {
  childToEdit,
  type EditableXml,
  newElement,
  removeChildren,
  walk,
} from '../../../parsers/xml-edit.ts';
import { followIn } from '../../../parsers/cib/references.ts';
import { isTrue } from '../../../parsers/cib/values.ts';
import { setsOf } from '../../../parsers/cib/attribute-sets.ts';
import type { AgentName } from '../../agents/agent-metadata.ts';
import { refuse } from './cib-edit.ts';
import { holderOf, referenceTo } from './shared-parts.ts';
import { resourceNotFound } from '../../resources.ts';
import { nodeNotFound } from '../../nodes.ts';

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
export function agentNameOf(configuration: EditableXml, primitive: EditableXml): AgentName {
  const { attributes } = templateOf(configuration, primitive) ?? primitive;
  const { class: standard = '', provider, type = '' } = attributes;
  return { class: standard, provider, type };
}

/** The template that a primitive is made from, if it is made from one. */
export function templateOf(
  configuration: EditableXml,
  { attributes }: EditableXml,
): EditableXml | undefined {
  const { template } = attributes;
  if (template === undefined) return undefined;
  return childToEdit(configuration, 'resources').children.find(
    (each) => each.name === 'template' && each.attributes['id'] === template,
  );
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

/** Whether a node of that name is known: a cluster node, or one that a resource makes. */
export function isNode(configuration: EditableXml, name: string): boolean {
  return (
    makerOf(configuration, name) !== undefined ||
    childToEdit(configuration, 'nodes').children.some(
      ({ attributes }) => attributes['uname'] === name,
    )
  );
}

/** Faults: `node_not_found` */
export function checkNode(configuration: EditableXml, name: string): void {
  if (!isNode(configuration, name)) throw nodeNotFound(name);
}

/** The id of the resource that makes a node of that name. */
export function makerOf(configuration: EditableXml, name: string): string | undefined {
  const all = membersOf(childToEdit(configuration, 'resources')).flatMap(resourcesIn);
  return all.find((each) => nodesMadeBy(each).includes(name))?.attributes['id'];
}

/**
 * The names of the nodes that a resource makes, without those of the resources in it: a remote node, a guest node, or
 * one for each replica of a bundle with a resource in it. Templates and references make none (`xml_contains_remote_node`
 * and `pe__unpack_bundle` in libpe_status; crm_mon shows the same).
 */
export function nodesMadeBy({ name, attributes, children }: EditableXml): string[] {
  const { id = '', type } = attributes;
  if (name === 'primitive') {
    const guests = children
      .filter((each) => each.name === 'meta_attributes')
      .flatMap((set) => set.children.filter((each) => isPair(each, 'remote-node')))
      .map((pair) => pair.attributes['value'] ?? '');
    return [...(type === 'remote' ? [id] : []), ...guests];
  }
  if (name !== 'bundle' || !children.some((each) => each.name === 'primitive')) return [];
  const container = children.find((each) => ['docker', 'podman', 'rkt'].includes(each.name));
  const { replicas, masters, 'promoted-max': promoted = masters } = container?.attributes ?? {};
  const count = countOf(replicas) ?? countOf(promoted) ?? 1;
  return Array.from({ length: count }, (_none, index) => `${id}-${index}`);
}

/** More replicas than anybody has would only be names without end. */
const maxReplicas = 1000;

/** A number from 1 on, as in the schema (bundle-*.rng, `positiveInteger`). */
function countOf(text = ''): number | undefined {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  return count > 0 ? Math.min(count, maxReplicas) : undefined;
}
/**
 * Gives a pair its value where it is, or else in the set `setId`, the first set or a new one. No other set that
 * always counts has it then.
 *
 * Pacemaker 2.0 ignores the sets that follow a reference (`id-ref`): it goes on with the sets that follow the target
 * (seen with 2.0.5). So the pair goes before the references, where every version reads it.
 * Faults: `cluster_refused` if the pair is there by a reference.
 */
export function setPair(
  configuration: EditableXml,
  owner: EditableXml,
  kind: 'meta_attributes' | 'instance_attributes' | 'cluster_property_set',
  setId: string,
  name: string,
  value: string,
): void {
  checkIsOwn(configuration, owner, kind, name);
  const sets = plainSets(owner, kind);
  const reference = owner.children.findIndex((each) => isSetByReference(each, kind));
  const counting =
    reference < 0 ? sets : sets.filter((set) => owner.children.indexOf(set) < reference);
  const chosen = counting.find(({ attributes }) => attributes['id'] === setId) ?? counting[0];
  const present =
    chosen?.children.find((each) => isPair(each, name)) ??
    counting.flatMap((set) => set.children).find((each) => isPair(each, name));
  for (const set of sets) removeChildren(set, (each) => each !== present && isPair(each, name));
  if (present) {
    present.attributes['value'] = value;
    return;
  }
  const ids = idsIn(configuration);
  const set = chosen ?? newElement(kind, { id: freeId(ids, setId) });
  if (chosen === undefined) addSet(owner, set);
  const id = freeId(ids, `${set.attributes['id'] ?? setId}-${name}`);
  set.children.push(newElement('nvpair', { id, name, value }));
}

/**
 * A pair that an element has by reference cannot be changed there: what it refers to counts for another as well.
 * Faults: `cluster_refused`
 */
function checkIsOwn(
  configuration: EditableXml,
  owner: EditableXml,
  kind: string,
  name: string,
): void {
  refuseReference(configuration, owner, name, referenceTo(configuration, owner, kind, name));
}

/**
 * Refuses a change of what an element has by a reference.
 * @param what it is, in words
 * @param reference the id that it refers to, if it does
 * Faults: `cluster_refused`
 */
export function refuseReference(
  configuration: EditableXml,
  owner: EditableXml,
  what: string,
  reference: string | undefined,
): void {
  if (reference === undefined) return;
  const { id: ownId = owner.name, uname: id = ownId } = owner.attributes;
  const holder = holderOf(configuration, reference);
  refuse([
    `${id} has ${what} by reference (id-ref) to ${reference} of ${holder}: a change would change ${holder} too. Change ${holder} if that is meant, or take the reference out of ${id} first.`,
  ]);
}

/** Gives each pair of a set its value; an empty one takes it away. Faults: those of setPair. */
export function setPairs(
  configuration: EditableXml,
  owner: EditableXml,
  kind: 'meta_attributes' | 'instance_attributes',
  pairs: Pairs,
): void {
  for (const [name, value] of Object.entries(pairs)) {
    if (value === '') {
      checkIsOwn(configuration, owner, kind, name);
      unsetPair(owner, kind, name);
    } else setPair(configuration, owner, kind, `${owner.attributes['id']}-${kind}`, name, value);
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

/**
 * The pairs that count for a primitive as those of its template or by a reference, unless it has a pair of its own.
 */
export function inheritedPairs(
  configuration: EditableXml,
  primitive: EditableXml,
  kind: string,
): Pairs {
  const setsIn = (element: EditableXml | undefined) =>
    element?.children.filter((each) => each.name === kind) ?? [];
  const own = setsIn(primitive).map((set) => ({
    ...set,
    children: set.children.filter(({ attributes }) => !('value' in attributes)),
  }));
  const sets = [...setsIn(templateOf(configuration, primitive)), ...own];
  return setsOf(sets, followIn(configuration)).pairs;
}

/** All pairs that count for a primitive when no rule is looked at. */
export function pairsInEffect(
  configuration: EditableXml,
  primitive: EditableXml,
  kind: string,
): Pairs {
  return { ...inheritedPairs(configuration, primitive, kind), ...pairsIn(primitive, kind) };
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

function isSetByReference({ name, attributes }: EditableXml, kind: string): boolean {
  return name === kind && attributes['id-ref'] !== undefined;
}

/**
 * Adds a set where the schema allows it, before the operations and what is inside (resources-*.rng). It goes before any
 * reference too; setPair says why.
 */
function addSet(owner: EditableXml, set: EditableXml): void {
  const after = ['utilization', 'operations', 'primitive', ...containers];
  const index = owner.children.findIndex(
    (each) => after.includes(each.name) || isSetByReference(each, set.name),
  );
  owner.children.splice(index < 0 ? owner.children.length : index, 0, set);
}

/** Whether a pair in that section, of any set, is true. */
export function hasTrue({ children }: EditableXml, section: string, name: string): boolean {
  return children
    .filter((each) => each.name === section)
    .flatMap((each) => [...walk(each)])
    .some(
      ({ element: { attributes } }) => attributes['name'] === name && isTrue(attributes['value']),
    );
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
