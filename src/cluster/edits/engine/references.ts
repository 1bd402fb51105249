import { childToEdit, type EditableXml, removeChildren } from '../../../parsers/xml-edit.ts';
import { isClone, membersOf, type PlacedResource, resourcesIn } from './cib-elements.ts';
import { nodesMadeBy } from './cib-nodes.ts';

// Removes everything that has to go with a resource, as pcs 0.12 does (pcs/lib/cib/remove_elements.py). Earlier versions
// of pcs refuse to delete a resource in a tag.

/**
 * Removes a resource with everything inside it, a clone around it, a group that becomes empty, and all references to any
 * of these.
 */
export function removeResource(configuration: EditableXml, placed: PlacedResource): void {
  const [top, parent] = topOf(configuration, placed);
  removeChildren(parent, (each) => each === top);
  for (const element of resourcesIn(top)) removeReferences(configuration, element);
}

/** The outermost element that has to be removed with a resource, and its parent. */
function topOf(
  configuration: EditableXml,
  { element, around }: PlacedResource,
): [top: EditableXml, parent: EditableXml] {
  let top = element;
  for (const parent of around) {
    const goesToo =
      isClone(parent) ||
      (parent.name === 'group' && membersOf(parent).every((each) => each === top));
    if (!goesToo) return [top, parent];
    top = parent;
  }
  return [top, childToEdit(configuration, 'resources')];
}

/** Removes all references to a resource that was removed. */
function removeReferences(configuration: EditableXml, element: EditableXml): void {
  removeReferencesTo(configuration, element.attributes['id'] ?? '');
  const nodes = nodesMadeBy(element);
  removeChildren(
    childToEdit(configuration, 'constraints'),
    ({ attributes }) => attributes['node'] !== undefined && nodes.includes(attributes['node']),
  );
}

/** The attributes in which a constraint names its resources (constraints-*.rng). */
const naming = ['rsc', 'with-rsc', 'first', 'then'];

/** Removes all references to a resource or tag of that id. */
export function removeReferencesTo(configuration: EditableXml, id: string): void {
  const constraints = childToEdit(configuration, 'constraints');
  removeChildren(constraints, ({ attributes }) => naming.some((name) => attributes[name] === id));
  for (const constraint of [...constraints.children]) {
    for (const set of setsOf(constraint)) removeChildren(set, (each) => isReferenceTo(each, id));
    const emptied = removeChildren(
      constraint,
      (each) => each.name === 'resource_set' && !each.children.some(isReference),
    );
    if (!emptied || setsOf(constraint).length > 0) continue;
    removeChildren(constraints, (each) => each === constraint);
  }

  removeFromLevels(configuration, id);

  for (const role of sectionsOf(configuration, 'acls').flatMap(({ children }) => children)) {
    removeChildren(role, ({ attributes }) => attributes['reference'] === id);
  }

  for (const tags of sectionsOf(configuration, 'tags')) {
    for (const tag of [...tags.children]) {
      if (!removeChildren(tag, (each) => isReferenceTo(each, id))) continue;
      if (tag.children.some(isReference)) continue;
      removeChildren(tags, (each) => each === tag);
      removeReferencesTo(configuration, tag.attributes['id'] ?? '');
    }
  }
}

/** A level without devices is removed as well. */
function removeFromLevels(configuration: EditableXml, device: string): void {
  for (const topology of sectionsOf(configuration, 'fencing-topology')) {
    for (const level of [...topology.children]) {
      const devices = (level.attributes['devices'] ?? '').split(',');
      if (!devices.includes(device)) continue;
      const others = devices.filter((each) => each !== device);
      if (others.length > 0) level.attributes['devices'] = others.join(',');
      else removeChildren(topology, (each) => each === level);
    }
  }
}

/** Whether anything refers to a resource of that id. */
export function isReferredTo(configuration: EditableXml, id: string): boolean {
  const refers = (element: EditableXml): boolean =>
    isReferenceTo(element, id) ||
    [...naming, 'reference'].some((name) => element.attributes[name] === id) ||
    element.children.some(refers);
  return refers(configuration);
}

/** childToEdit() would add a missing section. */
function sectionsOf(configuration: EditableXml, name: string): EditableXml[] {
  return configuration.children.filter((each) => each.name === name);
}

function setsOf({ children }: EditableXml): EditableXml[] {
  return children.filter(({ name }) => name === 'resource_set');
}

function isReference({ name }: EditableXml): boolean {
  return name === 'resource_ref' || name === 'obj_ref';
}

function isReferenceTo(element: EditableXml, id: string): boolean {
  return isReference(element) && element.attributes['id'] === id;
}
