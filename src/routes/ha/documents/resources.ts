import { Fault } from '../../../kit/fault.ts';
import type { JsonObject } from './json.ts';
import { resourceNotFound } from '../../../cluster/resources.ts';
import {
  type AttributeSets,
  type Cib,
  type Container,
  type Definition,
  type Operation,
  type Primitive,
  containersIn,
  primitiveIds,
  primitivesIn,
} from '../../../cluster/model.ts';

/** A group of resources, with the field names of Create a Resource Group. */
export type GroupEntry = JsonObject & { groupName: string; resources: readonly string[] };

/** The documented flat list: all primitives except fence devices, in the CIB's order. */
export function listResources(cib: Cib): JsonObject[] {
  return primitivesIn(cib.resources)
    .map(({ primitive, containers }) => primitiveEntry(cib, primitive, containers))
    .filter((entry) => entry['class'] !== 'stonith');
}

/** The same list for the fence devices. */
export function listFenceDevices(cib: Cib): JsonObject[] {
  return primitivesIn(cib.resources)
    .map(({ primitive, containers }) => primitiveEntry(cib, primitive, containers))
    .filter((entry) => entry['class'] === 'stonith');
}

/**
 * The whole configuration of one primitive, group, clone, bundle or template.
 * Faults: `resource_not_found`
 */
export function detailsOf(cib: Cib, name: string): JsonObject {
  const found = primitivesIn(cib.resources).find(({ primitive }) => primitive.id === name);
  if (found) return primitiveEntry(cib, found.primitive, found.containers);
  const inContainer = containersIn(cib.resources).find(({ container }) => container.id === name);
  if (inContainer) return containerEntry(inContainer.container, inContainer.containers);
  const template = cib.templates.find(({ id }) => id === name);
  if (template) {
    return named(name, {
      kind: 'template',
      ...agentOf(template),
      ...definitionFields(template),
    });
  }
  throw resourceNotFound(name);
}

export function listGroups(cib: Cib): GroupEntry[] {
  return containersIn(cib.resources)
    .filter(({ container }) => container.kind === 'group')
    .map(({ container, containers }) => ({
      groupName: container.id,
      resources: primitiveIds(container),
      ...containersOf(containers),
      ...containerFields(container),
    }));
}

/**
 * The group of that id, in the format of the list of groups.
 * Faults: `resource_not_found`
 */
export function groupOf(cib: Cib, name: string): GroupEntry {
  const found = listGroups(cib).find(({ groupName }) => groupName === name);
  if (found) return found;
  throw new Fault(
    'resource_not_found',
    `There is no group ${name}. The list of groups shows all names; names are case-sensitive.`,
  );
}

/**
 * The fence device of that id, in the format of the list of fence devices.
 * Faults: `resource_not_found`
 */
export function fenceDeviceOf(cib: Cib, id: string): JsonObject {
  const found = listFenceDevices(cib).find(({ name }) => name === id);
  if (found) return found;
  throw resourceNotFound(id);
}

function primitiveEntry(
  cib: Cib,
  primitive: Primitive,
  containers: readonly Container[],
): JsonObject {
  const template = cib.templates.find(({ id }) => id === primitive.template);
  return named(primitive.id, {
    ...agentOf(template ?? primitive),
    ...(primitive.template !== undefined && { template: primitive.template }),
    ...containersOf(containers),
    ...definitionFields(primitive),
  });
}

function containerEntry(container: Container, containers: readonly Container[]): JsonObject {
  return named(container.id, {
    kind: container.kind,
    resources: primitiveIds(container),
    ...containersOf(containers),
    ...containerFields(container),
  });
}

/** The name is the first key but set last, because an element may also have an attribute `name`, which no schema knows. */
function named(name: string, fields: JsonObject): JsonObject {
  return { ...{ name }, ...fields, name };
}

function agentOf({ class: standard, provider, type }: Definition): JsonObject {
  return {
    ...(standard !== undefined && { class: standard }),
    ...(provider !== undefined && { provider }),
    ...(type !== undefined && { type }),
  };
}

/** The containers of a resource. What Pacemaker 1.1 called a master is a clone. */
function containersOf(containers: readonly Container[]): JsonObject {
  return Object.fromEntries(
    containers.map(({ kind, id }) => [kind === 'master' ? 'clone' : kind, id]),
  );
}

function definitionFields(definition: Definition): JsonObject {
  const { params, meta, utilization, operations, rest } = definition;
  return {
    ...setFields('params', 'instance_attributes', params),
    ...setFields('meta', 'meta_attributes', meta),
    ...setFields('utilization', 'utilization_sets', utilization),
    ...(operations.length > 0 && { op: operationFields(operations) }),
    ...rest,
  };
}

function containerFields({ params, meta, rest }: Container): JsonObject {
  return {
    ...setFields('params', 'instance_attributes', params),
    ...setFields('meta', 'meta_attributes', meta),
    ...rest,
  };
}

/** The key is the operation's name. If two have the same name, the key of the second is its id. */
function operationFields(operations: readonly Operation[]): JsonObject {
  const entries = new Map<string, JsonObject>();
  for (const { id, attributes, params, meta, rest } of operations) {
    const { name, ...others } = attributes;
    const more = {
      ...others,
      ...setFields('params', 'instance_attributes', params),
      ...setFields('meta', 'meta_attributes', meta),
      ...rest,
    };
    if (name !== undefined && !entries.has(name)) entries.set(name, { name: id, ...more });
    else entries.set(id, { name: id, ...(name !== undefined && { operation: name }), ...more });
  }
  return Object.fromEntries(entries);
}

function setFields(name: string, wholeName: string, { pairs, whole }: AttributeSets): JsonObject {
  return {
    ...(Object.keys(pairs).length > 0 && { [name]: pairs }),
    ...(whole.length > 0 && { [wholeName]: whole }),
  };
}
