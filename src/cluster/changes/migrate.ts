import { hostname } from 'node:os';

import { Fault } from '../../errors.ts';
import type { Host } from '../../host.ts';
import type { PlannedAction } from '../../parsers/crm-simulate.ts';
import { readState } from '../../pacemaker/crm-mon.ts';
import { instancesOf } from '../../parsers/crm-mon.ts';
import {
  childToEdit,
  type EditableXml,
  newElement,
  removeChildren,
  walk,
} from '../../parsers/xml-edit.ts';
import { cibChange, type Change } from './changes.ts';
import { type CibEdit, configurationIn, editConfiguration } from './cib-edit.ts';
import { checkNode, freeId, idsIn, resourceIn } from './cib-elements.ts';

// The coordinator judges it by its own clock, which may differ from ours.
const clockDifferenceMs = 10 * 60_000;

/**
 * Moves a resource to a node, and leaves no constraint behind: it is told to prefer the node, and when it is
 * there it stays of its own accord (`resource-stickiness`). Whether it will is found out before.
 *
 * The preference ends by itself some time after the deadline of changes, whatever becomes of this agent. One that is
 * killed takes its preference away when it starts again (finishMoves).
 * Faults: `resource_not_found`, `node_not_found`, `would_not_move`, those of Site.
 */
export function migrateResource(
  name: string,
  node: string,
): Change<{ node: string; name: string }> {
  const id = `cli-prefer-${name}`;
  let inside: readonly string[] = [];
  const prefer = editConfiguration((configuration, { host }) => {
    const { element } = resourceIn(configuration, name);
    checkNode(configuration, node);
    inside = primitivesIn(element);
    const constraints = childToEdit(configuration, 'constraints');
    // Changes are made one after another, so one of this host's own is left over.
    removeChildren(constraints, (each) => each.attributes['id'] === id || isOurs(each));
    const ends = new Date(Date.now() + host.changeDeadlineMs + clockDifferenceMs);
    constraints.children.push(preference(configuration, { id, name, node, ends }));
  });

  /** @returns whether the resource is to be moved; if not, it is there already */
  async function check(
    host: Host,
    [going = [], after = []]: readonly (readonly PlannedAction[])[],
  ): Promise<boolean> {
    const ofIt = ({ resource = '' }: { resource?: string }) => inside.includes(resource);
    if (!going.some((action) => ofIt(action) && action.node === node)) {
      if (await isThere(host, name, node)) return false;
      throw wouldNotMove(
        name,
        node,
        'the cluster cannot run it there now. See whether it is stopped, the node is in standby, or a constraint keeps it away',
      );
    }
    if (after.some(ofIt)) {
      throw wouldNotMove(
        name,
        node,
        'it would go back at once. Give it a higher resource-stickiness, or ban it from where it is',
      );
    }
    return true;
  }

  return {
    edit: prefer,
    later: [forgetOurs],
    check,
    async carryOut(site) {
      if (await check(site.host, await site.plan([prefer, forgetOurs]))) {
        await site.editCib(prefer);
        let settled: boolean;
        try {
          settled = await site.settle();
        } finally {
          await site.editCib(forgetOurs);
        }
        if (settled && !(await isThere(site.host, name, node))) {
          throw wouldNotMove(
            name,
            node,
            'it did not start there. See what failed in GET /api/v2/system/ha/status',
          );
        }
      }
      return { node, name };
    },
  };
}

/**
 * Takes away the preferences of moves that an agent's death cut short: those of this host, and those of others that
 * have ended.
 */
export function finishMoves(): Change<''> {
  return cibChange(
    editConfiguration((configuration) => {
      removeChildren(childToEdit(configuration, 'constraints'), isLeft);
    }),
    '',
  );
}

/**
 * The resources whose moves were cut short: those that finishMoves is for.
 * @param xml a whole CIB
 */
export function cutShortMoves(xml: string): string[] {
  // To read all of it takes longer, and most have none.
  if (!xml.includes(markOf(''))) return [];
  return childToEdit(configurationIn(xml), 'constraints')
    .children.filter(isLeft)
    .map(({ attributes }) => attributes['rsc'] ?? '');
}

/** Names the host whose agent made a preference, so that no other host takes it for one that was left behind. */
function markOf(host: string): string {
  return freeId(new Set(), `ha-agent-move-by-${host}`);
}

/**
 * As crm_resource(8) makes it with `--lifetime`, so that its `--clear` knows it again, except the id of the
 * `date_expression`.
 */
function preference(
  configuration: EditableXml,
  { id, name, node, ends }: { id: string; name: string; node: string; ends: Date },
): EditableXml {
  const ids = idsIn(configuration);
  const end = ends.toISOString().replace('T', ' ').replace(/\.\d+/, '');
  return newElement('rsc_location', { id: freeId(ids, id), rsc: name, role: 'Started' }, [
    newElement(
      'rule',
      { id: freeId(ids, `cli-prefer-rule-${name}`), score: 'INFINITY', 'boolean-op': 'and' },
      [
        newElement('expression', {
          id: freeId(ids, `cli-prefer-expr-${name}`),
          attribute: '#uname',
          operation: 'eq',
          value: node,
        }),
        newElement('date_expression', { id: markOf(hostname()), operation: 'lt', end }),
      ],
    ),
  ]);
}

const forgetOurs: CibEdit = editConfiguration((configuration) => {
  removeChildren(childToEdit(configuration, 'constraints'), isOurs);
});

function isLeft(constraint: EditableXml): boolean {
  const { id = '', end = '' } = lifetimeOf(constraint)?.attributes ?? {};
  return isOurs(constraint) || (id.startsWith(markOf('')) && Date.parse(end) < Date.now());
}

function isOurs(constraint: EditableXml): boolean {
  return lifetimeOf(constraint)?.attributes['id'] === markOf(hostname());
}

function lifetimeOf(constraint: EditableXml): EditableXml | undefined {
  return constraint.children
    .flatMap((rule) => rule.children)
    .find(({ name }) => name === 'date_expression');
}

function primitivesIn(element: EditableXml): string[] {
  return [...walk(element)]
    .filter((each) => each.element.name === 'primitive')
    .map((each) => each.element.attributes['id'] ?? '');
}

async function isThere(host: Host, name: string, node: string): Promise<boolean> {
  const instances = instancesOf(await readState(host), name) ?? [];
  return instances.length > 0 && instances.every(({ nodes }) => nodes.includes(node));
}

function wouldNotMove(name: string, node: string, why: string): Fault {
  return new Fault('would_not_move', `${name} was not moved to ${node}: ${why}.`);
}
