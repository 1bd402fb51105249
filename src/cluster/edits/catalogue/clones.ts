import type { Pairs } from '../../../parsers/cib/attribute-sets.ts';
import { isTrue } from '../../../parsers/cib/values.ts';
import {
  childToEdit,
  type EditableXml,
  newElement,
  removeChildren,
} from '../../../parsers/xml-edit.ts';
import { type Agent, type AgentMetadataReader, fullNameOf } from '../../agents/agent-metadata.ts';
import { cibChange, type ClusterChange } from '../cluster-change.ts';
import { editConfiguration, refuse } from '../engine/cib-edit.ts';
import {
  agentNameOf,
  isClone,
  isFenceDevice,
  membersOf,
  type PlacedResource,
  resourceIn,
  resourcesIn,
} from '../engine/cib-elements.ts';
import { checkIdIsFree, freeId, idsIn } from '../engine/cib-ids.ts';
import { newSet } from '../engine/cib-pairs.ts';
import { removeReferencesTo } from '../engine/references.ts';
import { takeOut, takeOutOfGroup } from './groups.ts';

/**
 * Makes a clone of a resource or group. Its constraints become those of the clone.
 * Faults of the edit: `resource_not_found`, `id_exists`, `cluster_refused`.
 */
export function cloneResource(
  agents: AgentMetadataReader,
  name: string,
  id: string | undefined,
  options: Pairs,
): ClusterChange<void> {
  return cibChange(
    editConfiguration(async (configuration) => {
      const placed = resourceIn(configuration, name);
      if (id !== undefined) checkIdIsFree(configuration, id);
      refuse(problemsOfPlace(configuration, placed));
      const { element } = placed;
      refuse(await problemsOfCloned(agents, configuration, element, options));
      const clone = newClone(idsIn(configuration), element, id, options);
      takeOut(configuration, placed);
      childToEdit(configuration, 'resources').children.push(clone);
      renameInConstraints(configuration, name, clone.attributes['id'] ?? '');
    }),
  );
}

/** The reasons why a resource cannot be cloned: its kind, or the element around it. */
function problemsOfPlace(
  configuration: EditableXml,
  { element, around }: PlacedResource,
): string[] {
  const id = element.attributes['id'] ?? '';
  if (element.name !== 'primitive' && element.name !== 'group') {
    return [`${id} is a ${element.name}; only a resource or a group can be made a clone.`];
  }
  const copied = around.find((each) => each.name !== 'group');
  if (copied) return [`${id} is in the ${copied.name} ${copied.attributes['id']} already.`];
  if (element.name === 'primitive' && isFenceDevice(configuration, element)) {
    return [`${id} is a fence device, which each node can use without a clone of it.`];
  }
  return [];
}

/** As problemsOfClone, for all primitives inside. Their agents are read only if the result depends on them. */
export async function problemsOfCloned(
  agents: AgentMetadataReader,
  configuration: EditableXml,
  element: EditableXml,
  options: Pairs,
): Promise<string[]> {
  if (!notForAll.some((name) => isTrue(options[name]))) return [];
  const primitives = resourcesIn(element).filter(({ name }) => name === 'primitive');
  const problems = primitives.map(async (each) => {
    const agent = await agents.agentOf(agentNameOf(configuration, each));
    return problemsOfClone(each.attributes['id'] ?? '', agent, options);
  });
  return (await Promise.all(problems)).flat();
}

/** Options that an agent has to support. */
const notForAll = ['globally-unique', 'promotable'] as const;

/** @returns what is wrong with the options of a clone of one primitive, a sentence each */
export function problemsOfClone(id: string, agent: Agent, options: Pairs): string[] {
  const has = (action: string) => agent.actions.some(({ name }) => name === action);
  const isPromotable = has('promote') && has('demote');
  const wanted = notForAll.filter((name) => isTrue(options[name]));
  // An agent of OCF 1.0 does not have to list the actions for promotion.
  const impossible = wanted.filter(
    (name) => agent.class !== 'ocf' || (name === 'promotable' && agent.isOcf11 && !isPromotable),
  );
  return impossible.map(
    (name) => `A clone of ${id} cannot be ${name}: ${fullNameOf(agent)} does not support that.`,
  );
}

/** Makes a clone around a resource, but does not add it to the configuration. */
export function newClone(
  ids: Set<string>,
  element: EditableXml,
  id: string | undefined,
  options: Pairs,
): EditableXml {
  const cloneId = id ?? freeId(ids, `${element.attributes['id']}-clone`);
  ids.add(cloneId);
  const given = Object.entries(options).filter(([, value]) => value !== '');
  return newElement('clone', { id: cloneId }, [
    ...(given.length > 0
      ? [newSet(ids, 'meta_attributes', cloneId, Object.fromEntries(given))]
      : []),
    element,
  ]);
}

/** pcs does not rename in tickets and sets either. */
const renamed = ['rsc_location', 'rsc_order', 'rsc_colocation'];

function renameInConstraints(configuration: EditableXml, from: string, to: string): void {
  for (const { name, attributes } of childToEdit(configuration, 'constraints').children) {
    if (!renamed.includes(name)) continue;
    for (const key of ['rsc', 'with-rsc', 'first', 'then']) {
      if (attributes[key] === from) attributes[key] = to;
    }
  }
}

/**
 * Removes a clone and the references to it, and keeps the resource inside. Either may be named. A resource that is not
 * alone in its cloned group leaves the group instead.
 * Faults of the edit: `resource_not_found`, `cluster_refused`.
 */
export function uncloneResource(name: string): ClusterChange<void> {
  return cibChange(
    editConfiguration((configuration) => {
      const { element, around } = resourceIn(configuration, name);
      const resources = childToEdit(configuration, 'resources');
      const clone = [element, ...around].find(isClone);
      if (clone === undefined) {
        refuse([`${name} is not a clone, and not in one.`]);
        return;
      }
      const [group] = around;
      if (group?.name === 'group' && membersOf(group).length > 1) {
        takeOutOfGroup(configuration, group, [element], resources);
        return;
      }
      const [cloned] = element === clone ? membersOf(clone) : [element];
      removeReferencesTo(configuration, clone.attributes['id'] ?? '');
      if (group?.name === 'group') removeReferencesTo(configuration, group.attributes['id'] ?? '');
      removeChildren(resources, (each) => each === clone);
      if (cloned) resources.children.push(cloned);
    }),
  );
}
