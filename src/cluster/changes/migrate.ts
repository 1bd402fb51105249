import { hostname } from 'node:os';

import { Fault } from '../../errors.ts';
import type { Host } from '../../host.ts';
import type { PlannedAction } from '../../parsers/crm-simulate.ts';
import { queryCib } from '../../pacemaker/cib.ts';
import { readState } from '../../pacemaker/crm-mon.ts';
import { readScores } from '../../pacemaker/simulate.ts';
import { parseCib } from '../../parsers/cib.ts';
import { instancesOf } from '../../parsers/crm-mon.ts';
import {
  childToEdit,
  type EditableXml,
  newElement,
  removeChildren,
  walk,
} from '../../parsers/xml-edit.ts';
import { obstaclesOf } from '../obstacles.ts';
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
      throw wouldNotMove(name, node, await whyNotThere(host, name, node));
    }
    const back = after.find(ofIt);
    if (back) {
      const where = back.node === undefined ? '' : ` to ${back.node}`;
      throw wouldNotMove(
        name,
        node,
        `it would go back${where} at once: its resource-stickiness does not outweigh what draws it there. Give it a higher resource-stickiness, or ban it from where it is`,
      );
    }
    return true;
  }

  return {
    edit: prefer,
    later: [forgetOurs],
    check,
    expects: { resource: name, node },
    waitsForResource: true,
    async carryOut(site) {
      if (await check(site.host, await site.plan([prefer, forgetOurs]))) {
        await site.editCib(prefer);
        try {
          await site.settle();
        } finally {
          await site.editCib(forgetOurs);
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

/** Why the cluster would not run a resource on a node, as far as it can be told. */
async function whyNotThere(host: Host, name: string, node: string): Promise<string> {
  const [state, cib, scores] = await Promise.all([
    readState(host),
    queryCib(host).then(parseCib),
    // They are of use only where nothing else tells.
    readScores(host).catch(() => []),
  ]);
  const instances = instancesOf(state, name) ?? [];
  const obstacles = obstaclesOf({ state, cib }, name, { node });
  if (obstacles.length > 0) return obstacles.join('; ');
  const where = [...new Set(instances.flatMap(({ nodes }) => nodes))];
  if (where.includes(node))
    return `an instance of it runs there already (it runs on ${where.join(', ')})`;
  const own = scores.filter((score) => instances.some(({ id }) => id === score.resource));
  const there = own.find((score) => score.node === node);
  if (there?.score === '-INFINITY') {
    return `the scheduler gives ${there.resource} the score -INFINITY there ('crm_simulate --live-check --show-scores' lists all), by a rule, or by something that it has to be with or apart from`;
  }
  const running = where.length === 0 ? 'It runs nowhere' : `It runs on ${where.join(', ')}`;
  const listed = own.map((score) => `${score.resource} on ${score.node} ${score.score}`).join(', ');
  return `the scheduler would not place it there even if it preferred the node. ${running}${listed === '' ? '' : `; its scores now: ${listed}`}`;
}

function wouldNotMove(name: string, node: string, why: string): Fault {
  return new Fault('would_not_move', `${name} was not moved to ${node}: ${why}.`);
}
