import {
  childToEdit,
  type EditableXml,
  newElement,
  removeChildren,
} from '../../../parsers/xml-edit.ts';
import { cibChange, type ClusterChange } from '../cluster-change.ts';
import { editConfiguration } from '../engine/cib-edit.ts';
import { resourceIn } from '../engine/cib-elements.ts';
import { freeId, idsIn } from '../engine/cib-ids.ts';
import { checkNode } from '../engine/cib-nodes.ts';

// crm_resource(8) recognizes the constraints of its --ban and --move by their ids alone (crm_resource_ban.c). Those made
// here have the same ids, and all others were written by a person.

/** Keeps a resource off a node permanently. Faults of the edit: `resource_not_found`, `node_not_found`. */
export function banResource(name: string, node: string): ClusterChange<void> {
  return cibChange(
    editConfiguration((configuration) => {
      resourceIn(configuration, name);
      checkNode(configuration, node);
      const constraints = childToEdit(configuration, 'constraints');
      const ids = banIds(name, node);
      const former = constraints.children.findIndex((each) => isLocation(each, ids));
      removeChildren(constraints, (each) => isLocation(each, ids));
      const ban = newElement('rsc_location', {
        id: freeId(idsIn(configuration), ids[0]),
        rsc: name,
        role: 'Started',
        node,
        score: '-INFINITY',
      });
      constraints.children.splice(former < 0 ? constraints.children.length : former, 0, ban);
    }),
  );
}

/**
 * Removes the constraints of bans and moves, for one node or for all, as `crm_resource --clear` does. It also removes those
 * of nodes that no longer exist, which crm_resource leaves.
 * Faults of the edit: `resource_not_found`; `node_not_found` if the node is unknown and has no such constraint.
 */
export function clearResource(name: string, node: string | undefined): ClusterChange<void> {
  return cibChange(
    editConfiguration((configuration) => {
      resourceIn(configuration, name);
      const members = childToEdit(configuration, 'nodes').children;
      const known = members.map(({ attributes }) => attributes['uname'] ?? '');
      const removed = removeChildren(childToEdit(configuration, 'constraints'), (each) => {
        if (isLocation(each, [`cli-prefer-${name}`])) {
          const preferred = nodesNamedBy(each, `cli-prefer-rule-${name}`);
          return node === undefined ? preferred.length > 0 : preferred.includes(node);
        }
        const banned = node === undefined ? [...known, ...nodesNamedBy(each)] : [node];
        return banned.some((one) => isLocation(each, banIds(name, one)));
      });
      if (!removed && node !== undefined) checkNode(configuration, node);
    }),
  );
}

/** The ids of a ban: as crm_resource makes it, with a dot for a colon, and as an earlier version of this agent did. */
function banIds(name: string, node: string): [string, string] {
  const id = `cli-ban-${name}-on-${node}`;
  return [id.replaceAll(':', '.'), freeId(new Set(), id)];
}

function isLocation({ name, attributes }: EditableXml, ids: readonly string[]): boolean {
  return name === 'rsc_location' && ids.includes(attributes['id'] ?? '');
}

/** The nodes that a location names, itself or in its rule. @param ruleId the rule to look at; all without it */
function nodesNamedBy({ attributes, children }: EditableXml, ruleId?: string): string[] {
  const expressions = children
    .filter(({ name, attributes: { id } }) => name === 'rule' && id === (ruleId ?? id))
    .flatMap((rule) => rule.children)
    .filter((each) => each.name === 'expression' && each.attributes['attribute'] === '#uname');
  return [attributes['node'], ...expressions.map((each) => each.attributes['value'])].filter(
    (node) => node !== undefined,
  );
}
