import {
  childToEdit,
  type EditableXml,
  newElement,
  removeChildren,
} from '../../../parsers/xml-edit.ts';
import { cibChange, type ClusterChange } from '../cluster-change.ts';
import { editConfiguration, refuse } from '../engine/cib-edit.ts';
import {
  findResource,
  isClone,
  isFenceDevice,
  membersOf,
  type PlacedResource,
  resourceIn,
} from '../engine/cib-elements.ts';
import { checkIdIsFree } from '../engine/cib-ids.ts';
import { isReferredTo, removeReferencesTo } from '../engine/references.ts';

export interface GroupMembers {
  group: string;
  resources: readonly string[];
  order: { position: 'before' | 'after'; resource: string } | undefined;
}

/**
 * Puts resources into a group, at its end or next to a member. A missing group is made, and a group that becomes empty is
 * removed.
 * Faults of the edit: `resource_not_found`, `id_exists`, `cluster_refused`.
 */
export function addToGroup({ group, resources, order }: GroupMembers): ClusterChange<void> {
  return cibChange(
    editConfiguration((configuration) => {
      const placed = resources.map((name) => resourceIn(configuration, name));
      if (order) resourceIn(configuration, order.resource);
      const present = findResource(configuration, group)?.element;
      if (present?.name !== 'group') checkIdIsFree(configuration, group);
      const former = present ? membersOf(present) : [];
      // A member stays where it is, unless the caller names a place.
      const moved = order ? placed : placed.filter(({ element }) => !former.includes(element));
      if (moved.length === 0) return;
      const neighbour = former.find(({ attributes }) => attributes['id'] === order?.resource);
      refuse([
        ...moved.flatMap((each) => problemsOfMember(configuration, each)),
        ...(order && (neighbour === undefined || resources.includes(order.resource))
          ? [
              `${order.resource} is not in the group ${group}, or is itself one of the resources to put there.`,
            ]
          : []),
      ]);
      for (const each of moved) takeOut(configuration, each);
      const target = present ?? newElement('group', { id: group });
      if (present === undefined) childToEdit(configuration, 'resources').children.push(target);
      const index = neighbour ? target.children.indexOf(neighbour) : target.children.length;
      const place = order?.position === 'after' ? index + 1 : index;
      target.children.splice(place, 0, ...moved.map(({ element }) => element));
    }),
  );
}

function problemsOfMember(
  configuration: EditableXml,
  { element, around }: PlacedResource,
): string[] {
  const id = element.attributes['id'] ?? '';
  if (element.name !== 'primitive' || isFenceDevice(configuration, element)) {
    const what = element.name === 'primitive' ? 'fence device' : element.name;
    return [`${id} is a ${what}, which cannot be in a group.`];
  }
  const [parent] = around;
  if (parent === undefined || parent.name === 'group') return [];
  return [`${id} is in the ${parent.name} ${parent.attributes['id']}, which it cannot leave.`];
}

/** Removes a resource from its place, and a group that becomes empty. Faults: `cluster_refused` */
export function takeOut(configuration: EditableXml, { element, around }: PlacedResource): void {
  const [parent = childToEdit(configuration, 'resources'), ...outside] = around;
  removeChildren(parent, (each) => each === element);
  if (parent.name !== 'group' || membersOf(parent).length > 0) return;
  const gone = [parent, ...outside.filter(isClone)];
  for (const { attributes } of gone) {
    const id = attributes['id'] ?? '';
    if (isReferredTo(configuration, id)) {
      refuse([
        `${element.attributes['id']} is the last resource in ${id}, and something else in the configuration refers to ${id}. Dissolve ${id} first.`,
      ]);
    }
  }
  const resources = childToEdit(configuration, 'resources');
  removeChildren(resources, (each) => gone.includes(each));
}

/**
 * Takes resources out of their group, or all of them if none is named. An empty group is removed.
 * Faults of the edit: `resource_not_found`, `cluster_refused`.
 */
export function removeFromGroup(name: string, resources: readonly string[]): ClusterChange<void> {
  return cibChange(
    editConfiguration((configuration) => {
      const { element: group, around } = resourceIn(configuration, name);
      const named = resources.map((each) => resourceIn(configuration, each).element);
      if (group.name !== 'group') refuse([`${name} is a ${group.name}, not a group.`]);
      const members = membersOf(group);
      const others = named.filter((each) => !members.includes(each));
      const names = others.map(({ attributes }) => attributes['id']).join(', ');
      if (others.length > 0) refuse([`${names} is not in the group ${name}.`]);
      const leaving = named.length > 0 ? named : members;
      const [clone] = around;
      if (clone && leaving.length === members.length && members.length > 1) {
        refuse([
          `${name} is cloned, and only one of its resources could stay in the clone. Leave one in the group.`,
        ]);
      }
      // The last resource replaces its group in the clone, because constraints may refer to the clone.
      const target =
        clone && members.length === 1 ? clone : childToEdit(configuration, 'resources');
      takeOutOfGroup(configuration, group, leaving, target);
    }),
  );
}

/** Moves members of a group to the end of `target`. An empty group is removed with all references to it. */
export function takeOutOfGroup(
  configuration: EditableXml,
  group: EditableXml,
  members: readonly EditableXml[],
  target: EditableXml,
): void {
  const id = group.attributes['id'] ?? '';
  removeChildren(group, (each) => members.includes(each));
  target.children.push(...members);
  if (membersOf(group).length > 0) return;
  const parents = [target, childToEdit(configuration, 'resources')];
  for (const parent of parents) removeChildren(parent, (each) => each === group);
  removeReferencesTo(configuration, id);
}
