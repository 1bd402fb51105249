import { Fault } from '../../errors.ts';
import { readState } from '../../pacemaker/crm-mon.ts';
import { instancesOf } from '../../parsers/crm-mon.ts';
import { type EditableXml, childToEdit, removeChildren, walk } from '../../parsers/xml-edit.ts';
import type { Change, Site } from './changes.ts';
import { type CibEdit, editConfiguration } from './cib-edit.ts';
import { checkNode, resourceIn } from './cib-elements.ts';
import { cliConstraint } from './resources.ts';

/**
 * Moves a resource to a node, and leaves no constraint behind: it is told to prefer the node, and when it is
 * there it stays of its own accord (`resource-stickiness`). Whether it will is found out before.
 * Faults: `resource_not_found`, `node_not_found`, `would_not_move`, those of Site.
 */
export function migrateResource(
  name: string,
  node: string,
): Change<{ node: string; name: string }> {
  const id = `cli-prefer-${name}`;
  let inside: readonly string[] = [];
  const prefer = editConfiguration((configuration) => {
    const { element } = resourceIn(configuration, name);
    checkNode(configuration, node);
    inside = primitivesIn(element);
    const constraints = withoutPreference(configuration, id);
    constraints.children.push(cliConstraint(configuration, id, name, node, 'INFINITY'));
  });
  const forget: CibEdit = editConfiguration((configuration) => {
    withoutPreference(configuration, id);
  });

  return {
    edit: prefer,
    async carryOut(site) {
      const [going = [], after = []] = await site.plan([prefer, forget]);
      const ofIt = ({ resource = '' }: { resource?: string }) => inside.includes(resource);
      if (going.some((action) => ofIt(action) && action.node === node)) {
        if (after.some(ofIt))
          throw wouldNotMove(
            name,
            node,
            'it would go back at once. Give it a higher resource-stickiness, or ban it from where it is',
          );
        await site.editCib(prefer);
        let settled: boolean;
        try {
          settled = await site.settle();
        } finally {
          await site.editCib(forget);
        }
        if (settled && !(await isThere(site, name, node))) {
          throw wouldNotMove(
            name,
            node,
            'it did not start there. See what failed in GET /api/v2/system/ha/status',
          );
        }
      } else if (!(await isThere(site, name, node))) {
        throw wouldNotMove(
          name,
          node,
          'the cluster cannot run it there now. See whether it is stopped, the node is in standby, or a constraint keeps it away',
        );
      }
      return { node, name };
    },
  };
}

function withoutPreference(configuration: EditableXml, id: string): EditableXml {
  const constraints = childToEdit(configuration, 'constraints');
  removeChildren(constraints, ({ attributes }) => attributes['id'] === id);
  return constraints;
}

function primitivesIn(element: EditableXml): string[] {
  return [...walk(element)]
    .filter((each) => each.element.name === 'primitive')
    .map((each) => each.element.attributes['id'] ?? '');
}

async function isThere({ host }: Site, name: string, node: string): Promise<boolean> {
  const instances = instancesOf(await readState(host), name) ?? [];
  return instances.length > 0 && instances.every(({ nodes }) => nodes.includes(node));
}

function wouldNotMove(name: string, node: string, why: string): Fault {
  return new Fault('would_not_move', `${name} was not moved to ${node}: ${why}.`);
}
