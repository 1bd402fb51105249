import { hostname } from 'node:os';

import { Fault } from '../../../kit/fault.ts';
import type { ClusterHost } from '../../paths.ts';
import type { PlannedAction } from '../../../parsers/crm-simulate.ts';
import { queryCib } from '../../../pacemaker/cib/cib.ts';
import { readState } from '../../../pacemaker/crm-mon.ts';
import { readScores } from '../../../pacemaker/simulate.ts';
import { isTrue } from '../../../parsers/cib/values.ts';
import { parseCib } from '../../../parsers/cib/cib.ts';
import { type ClusterState, instancesOf, withoutInstance } from '../../../parsers/crm-mon.ts';
import {
  childToEdit,
  type EditableXml,
  newElement,
  removeChildren,
} from '../../../parsers/xml-edit.ts';
import { type HeldBack, obstaclesOf } from '../../why/obstacles.ts';
import { cibChange, type ClusterChange } from '../cluster-change.ts';
import {
  type CibEdit,
  configurationIn,
  editConfiguration,
  refuse,
  reversibleEdit,
} from '../engine/cib-edit.ts';
import { type PlacedResource, resourceIn, resourcesIn } from '../engine/cib-elements.ts';
import { heldBackBy } from '../../why/held-back.ts';
import { promotedRole } from './operations.ts';
import { freeId, idsIn } from '../engine/cib-ids.ts';
import { checkNode } from '../engine/cib-nodes.ts';
import { pairsIn } from '../engine/cib-pairs.ts';

// The coordinator decides by its own clock, which may differ from the clock of this host.
const clockDifferenceMs = 10 * 60_000;

/** A resource to move, and its new node. */
export interface Move {
  name: string;
  node: string;
  /** Whether to move only the promoted role of a promotable clone, and to leave its other instances where they are. */
  promoted: boolean;
}

/**
 * Moves a resource to a node, and leaves no constraint behind. A preference moves the resource; then the preference is
 * removed, and the resource stays because of its `resource-stickiness`. A promoted role stays because of the scores that
 * its agent sets. A simulation checks beforehand whether the resource would stay. For a promoted role it checks only the
 * move, because the agent has not set its scores yet.
 *
 * The preference expires some time after the deadline of changes, even if this agent dies. After a restart, the agent
 * removes its own preference (finishMoves).
 * Faults: `resource_not_found`, `node_not_found`, `cluster_refused`, `would_not_move`, those of Site.
 */
export function migrateResource({ name, node, promoted }: Move): ClusterChange<void> {
  const id = `cli-prefer-${name}`;
  let inside: readonly string[] = [];
  let heldBack: HeldBack | undefined;
  const { edit: prefer, takeBack } = reversibleEdit(
    (configuration) => childToEdit(configuration, 'constraints'),
    // Changes are made one after another, so an existing preference of this host is a leftover.
    (each) => each.attributes['id'] === id || isLeft(each),
    (configuration, { host }, cib) => {
      const placed = resourceIn(configuration, name);
      checkNode(configuration, node);
      if (promoted) refuse(problemsOfPromoted(placed));
      inside = resourcesIn(placed.element).map(({ attributes }) => attributes['id'] ?? '');
      heldBack = heldBackBy(configuration, placed);
      const constraints = childToEdit(configuration, 'constraints');
      removeChildren(constraints, (each) => each.attributes['id'] === id || isLeft(each));
      const ends = new Date(Date.now() + host.changeDeadlineMs + clockDifferenceMs);
      const role = promoted ? promotedRole(cib) : 'Started';
      constraints.children.push(preference(configuration, { id, name, node, role, ends }));
    },
  );

  /** @returns whether the resource has to be moved; false if it is there already */
  async function check(
    host: ClusterHost,
    [going = [], after = []]: readonly (readonly PlannedAction[])[],
  ): Promise<boolean> {
    const ofIt = ({ resource = '' }: PlannedAction) => inside.includes(withoutInstance(resource));
    const ofNode = going.filter(
      (action) => ofIt(action) && action.node === node && !isBlocked(action),
    );
    const stops = ofNode.filter(({ action }) => action === 'stop');
    const comes = (action: PlannedAction) =>
      !stops.includes(action) && (!promoted || becomesPromoted(action));
    if (!ofNode.some(comes)) {
      const state = await readState(host);
      if (isThere(state) && stops.length === 0) return false;
      const move = { name, node, promoted };
      throw wouldNotMove(name, node, await whyNotThere(host, state, move, heldBack));
    }
    const back = promoted ? undefined : after.find((action) => ofIt(action) && !isBlocked(action));
    if (back) {
      const where = back.node === undefined ? '' : ` to ${back.node}`;
      throw wouldNotMove(
        name,
        node,
        `it would go back${where} at once, because its resource-stickiness is too low. Give it a higher resource-stickiness, or ban it from its present node`,
      );
    }
    return true;
  }

  function isThere(state: ClusterState): boolean {
    const instances = instancesOf(state, name) ?? [];
    if (promoted) return instances.some((each) => each.promoted && each.nodes.includes(node));
    return instances.length > 0 && instances.every(({ nodes }) => nodes.includes(node));
  }

  return {
    edit: prefer,
    later: [forgetOurs],
    takeBack,
    check,
    expects: { resource: name, node, promoted },
    waitsForResource: true,
    async carryOut(site) {
      if (await check(site.host, await site.plan([prefer, forgetOurs]))) {
        await site.editCib(prefer);
        await site.settle();
        await site.editCib(forgetOurs);
        // The agent may set a higher promotion score on another node.
        if (promoted) await site.settle();
      }
    },
  };
}

/** As with `--promoted` in pcs, the clone itself has to be named. */
function problemsOfPromoted({ element, around }: PlacedResource): string[] {
  if (isPromotable(element)) return [];
  const id = element.attributes['id'] ?? '';
  const clone = around.find(isPromotable)?.attributes['id'];
  return [
    clone === undefined
      ? `${id} is not a promotable clone, so it has no promoted role. Ask without a role to move it as a whole.`
      : `${id} is in the promotable clone ${clone}, whose promoted role can be moved. Name ${clone} instead.`,
  ];
}

function isPromotable(element: EditableXml): boolean {
  if (element.name === 'master') return true;
  if (element.name === 'clone') {
    return isTrue(pairsIn(element, 'meta_attributes')['promotable']);
  }
  // A bundle has promoted replicas if it gives their number.
  return element.children.some(
    ({ attributes }) => (attributes['promoted-max'] ?? attributes['masters'] ?? '0') !== '0',
  );
}

/** Whether the scheduler lists the action but blocks it, such as a start without quorum. */
function isBlocked({ detail = '' }: PlannedAction): boolean {
  return detail.endsWith('(blocked)');
}

/** Also true for a move or start that ends in that role, as in `Promoted a -> Promoted b` (crm-simulate.ts). */
function becomesPromoted({ action, detail = '' }: PlannedAction): boolean {
  return action === 'promote' || /-> (?:Promoted|Master)\b/.test(detail);
}

/**
 * Removes preferences that a dead agent left behind: those of this host, and expired ones of other hosts.
 */
export function finishMoves(): ClusterChange<void> {
  return cibChange(
    editConfiguration((configuration) => {
      removeChildren(childToEdit(configuration, 'constraints'), isLeft);
    }),
  );
}

/**
 * The resources whose moves finishMoves would finish.
 * @param xml a whole CIB
 */
export function cutShortMoves(xml: string): string[] {
  // Most CIBs have no such move, and parsing them takes longer.
  if (!xml.includes(markOf(''))) return [];
  return childToEdit(configurationIn(xml), 'constraints')
    .children.filter(isLeft)
    .map(({ attributes }) => attributes['rsc'] ?? '');
}

/** The mark of a host's preferences, so that no other host takes one for a leftover. */
function markOf(host: string): string {
  return freeId(new Set(), `ha-agent-move-by-${host}`);
}

/**
 * The preference that crm_resource(8) makes with `--lifetime`, so that its `--clear` recognizes it. Only the id of the
 * `date_expression` differs.
 */
function preference(
  configuration: EditableXml,
  {
    id,
    name,
    node,
    role,
    ends,
  }: { id: string; name: string; node: string; role: string; ends: Date },
): EditableXml {
  const ids = idsIn(configuration);
  const end = ends.toISOString().replace('T', ' ').replace(/\.\d+/, '');
  return newElement('rsc_location', { id: freeId(ids, id), rsc: name, role }, [
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

/** Why the cluster would not run a resource on a node, as far as that is known. */
async function whyNotThere(
  host: ClusterHost,
  state: ClusterState,
  { name, node, promoted }: Move,
  heldBack: HeldBack | undefined,
): Promise<string> {
  const [cib, scores] = await Promise.all([
    queryCib(host).then(parseCib),
    // Scores are needed only if nothing else explains it.
    readScores(host).catch(() => []),
  ]);
  const instances = instancesOf(state, name) ?? [];
  const obstacles = obstaclesOf({ state, cib, heldBack }, name, { node });
  if (obstacles.length > 0) return obstacles.join('; ');
  const where = [...new Set(instances.flatMap(({ nodes }) => nodes))];
  if (!promoted && where.includes(node))
    return `an instance of it runs there already (it runs on ${where.join(', ')})`;
  const own = scores.filter((score) => instances.some(({ id }) => id === score.resource));
  const there = own.find((score) => score.node === node);
  if (there?.score === '-INFINITY') {
    return `the scheduler gives ${there.resource} the score -INFINITY there ('crm_simulate --live-check --show-scores' lists all scores), because of a rule or a colocation`;
  }
  const running = where.length === 0 ? 'It runs nowhere' : `It runs on ${where.join(', ')}`;
  const listed = own.map((score) => `${score.resource} on ${score.node} ${score.score}`).join(', ');
  return `the scheduler would not place it there even if it preferred the node. ${running}${listed === '' ? '' : `; its scores now: ${listed}`}`;
}

function wouldNotMove(name: string, node: string, why: string): Fault {
  return new Fault('would_not_move', `${name} was not moved to ${node}: ${why}.`);
}
