import { type Pairs, setsOf } from '../../../parsers/cib/attribute-sets.ts';
import { followIn } from '../../../parsers/cib/references.ts';
import { isTrue } from '../../../parsers/cib/values.ts';
import { type EditableXml, newElement, removeChildren, walk } from '../../../parsers/xml-edit.ts';
import { refuse } from './cib-edit.ts';
import { containers, templateOf } from './cib-elements.ts';
import { freeId, idsIn } from './cib-ids.ts';
import { holderOf, referenceTo } from './shared-parts.ts';

/**
 * Sets the value of a pair where it is, or else in the set `setId`, in the first set, or in a new one. It is removed from
 * all other sets without a rule.
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
 * Refuses to change a pair that an element has by reference, because the change would affect another element too.
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
 * Refuses to change something that an element has by a reference.
 * @param what its name for the message
 * @param reference the id that is referred to; undefined if there is no reference
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
    `${id} has ${what} by reference (id-ref) to ${reference} of ${holder}: a change would change ${holder} too. Change ${holder} if that is intended, or remove the reference from ${id} first.`,
  ]);
}

/** Sets the values of pairs. An empty value removes the pair. Faults: those of setPair. */
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

/** Makes a new set of these pairs, in alphabetical order as in pcs. */
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

/** The pairs of all sets without a rule. The first pair of a name counts. */
export function pairsIn(owner: EditableXml, kind: string): Record<string, string> {
  const pairs = plainSets(owner, kind)
    .flatMap(({ children }) => children)
    .map(({ attributes: { name = '', value = '' } }): [string, string] => [name, value]);
  return Object.fromEntries(pairs.reverse());
}

/**
 * The pairs that a primitive has from its template or by a reference. Its own pairs take precedence.
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

/** All pairs that count for a primitive, ignoring sets with rules. */
export function pairsInEffect(
  configuration: EditableXml,
  primitive: EditableXml,
  kind: string,
): Pairs {
  return { ...inheritedPairs(configuration, primitive, kind), ...pairsIn(primitive, kind) };
}

/** Removes a pair from every set without a rule. @returns whether it was in any */
export function unsetPair(owner: EditableXml, kind: string, name: string): boolean {
  return plainSets(owner, kind)
    .map((set) => removeChildren(set, (each) => isPair(each, name)))
    .includes(true);
}

/** The sets without a rule, except references to other sets. */
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
 * Adds a set where the schema allows it, before the operations and the resources inside (resources-*.rng). It also goes
 * before any reference; setPair says why.
 */
function addSet(owner: EditableXml, set: EditableXml): void {
  const after = ['utilization', 'operations', 'primitive', ...containers];
  const index = owner.children.findIndex(
    (each) => after.includes(each.name) || isSetByReference(each, set.name),
  );
  owner.children.splice(index < 0 ? owner.children.length : index, 0, set);
}

/** Whether any set in that section has the pair with a true value. */
export function hasTrue({ children }: EditableXml, section: string, name: string): boolean {
  return children
    .filter((each) => each.name === section)
    .flatMap((each) => [...walk(each)])
    .some(
      ({ element: { attributes } }) => attributes['name'] === name && isTrue(attributes['value']),
    );
}

export function isPair({ name: kind, attributes }: EditableXml, name: string): boolean {
  return kind === 'nvpair' && attributes['name'] === name;
}
