import { childToEdit, type EditableXml } from '../../../parsers/xml-edit.ts';
import type { AgentName } from '../../agents/agent-metadata.ts';
import { resourceNotFound } from '../../resources.ts';

export const containers = ['group', 'clone', 'master', 'bundle'];

/** A resource in the CIB, and the elements around it. */
export interface PlacedResource {
  element: EditableXml;
  /** The groups, clones and bundles around it, the innermost first. */
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

/** The agent of a primitive. Its template may name it. */
export function agentNameOf(configuration: EditableXml, primitive: EditableXml): AgentName {
  const { attributes } = templateOf(configuration, primitive) ?? primitive;
  const { class: standard = '', provider, type = '' } = attributes;
  return { class: standard, provider, type };
}

/** The template of a primitive, if it has one. */
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

/** A resource, and all resources inside it. */
export function resourcesIn(element: EditableXml): EditableXml[] {
  return [element, ...membersOf(element).flatMap(resourcesIn)];
}

/** The resources directly inside. */
export function membersOf(element: EditableXml): EditableXml[] {
  return element.children.filter(isResource);
}
