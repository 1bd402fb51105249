import {
  childToEdit,
  type EditableXml,
  newElement,
  removeChildren,
} from '../../../../parsers/xml-edit.ts';
import { cibChange, type ClusterChange } from '../../cluster-change.ts';
import { editConfiguration, refuse } from '../../engine/cib-edit.ts';
import { checkNode } from '../../engine/cib-nodes.ts';
import { add, type ChooseId, constraintExists, idsFor, type Named, roleOf } from './add.ts';
import { checkResources } from './checks.ts';
import { isSameLocation, plainLocation } from './meaning/locations.ts';

export interface Location extends Named {
  resource: string;
  /** `avoids` negates the score. */
  kind?: 'prefers' | 'avoids' | undefined;
  score?: string | undefined;
  /** Node names. */
  locations: readonly string[];
  role?: string | undefined;
  /** The value of `resource-discovery`. */
  discovery?: string | undefined;
  /** A rule instead of nodes. */
  rule?: RuleContent | undefined;
}

/** The content of a rule or an expression, by names: attributes as text, rules and expressions in it as lists. */
export interface RuleContent {
  readonly [key: string]: string | readonly RuleContent[];
}

/**
 * Adds a location. As in pcs, a location on nodes replaces existing ones of the same resource, node and role: scores add
 * up, so a former `-INFINITY` would win.
 * Faults of the edit: as addOrder, `node_not_found`; `cluster_refused` for an invalid rule.
 */
export function addLocation(location: Location): ClusterChange<void> {
  return location.rule ? addRule(location, location.rule) : addLocationsOnNodes(location);
}

function addRule(
  { resource, locations, name, ...location }: Location,
  rule: RuleContent,
): ClusterChange<void> {
  return add(name, ({ configuration, id, role }) => {
    checkResources(configuration, [resource]);
    for (const node of locations) checkNode(configuration, node);
    refuse(problemsOfRule(rule));
    const own = id(`location-${resource}`);
    const isScored = 'score' in rule || 'score-attribute' in rule;
    const ruleRole = typeof rule['role'] === 'string' ? rule['role'] : location.role;
    const whole = {
      ...rule,
      ...(!isScored && { score: scoreOf(location) }),
      // Pacemaker reads the role from the rule, not from the element around it.
      ...(ruleRole !== undefined && { role: role(ruleRole) }),
    };
    return [
      newElement(
        'rsc_location',
        { id: own, rsc: resource, 'resource-discovery': location.discovery },
        [ruleElement('rule', whole, id, own)],
      ),
    ];
  });
}

function addLocationsOnNodes({ resource, name, ...location }: Location): ClusterChange<void> {
  const nodes = [...new Set(location.locations)];
  const score = scoreOf(location);
  return cibChange(
    editConfiguration((configuration, _tools, cib) => {
      checkResources(configuration, [resource]);
      for (const node of nodes) checkNode(configuration, node);
      const role = roleOf(cib)(location.role);
      const wanted = nodes.map((node) =>
        newElement('rsc_location', {
          rsc: resource,
          role,
          node,
          score,
          'resource-discovery': location.discovery,
        }),
      );
      const constraints = childToEdit(configuration, 'constraints');
      const isFormer = (each: EditableXml) => wanted.some((one) => isInPlaceOf(one, each));
      const former = constraints.children.filter(isFormer);
      const isThere = (one: EditableXml) =>
        former.some((each) => isInPlaceOf(one, each) && isSameLocation(one, each));
      if (former.length === wanted.length && wanted.every(isThere)) {
        throw constraintExists(former);
      }
      removeChildren(constraints, isFormer);
      const id = idsFor(configuration, name);
      for (const { attributes } of wanted) {
        const own = id(`location-${resource}-${attributes['node']}-${score}`);
        constraints.children.push(newElement('rsc_location', { id: own, ...attributes }));
      }
    }),
  );
}

/** Whether both have the same resource, node and role. */
function isInPlaceOf(one: EditableXml, other: EditableXml): boolean {
  const [mine, theirs] = [plainLocation(one), plainLocation(other)];
  return (
    mine !== undefined &&
    mine.rsc === theirs?.rsc &&
    mine.node === theirs.node &&
    mine.role === theirs.role
  );
}

function scoreOf({
  kind = 'prefers',
  score = 'INFINITY',
}: Pick<Location, 'kind' | 'score'>): string {
  const plain = score.replace(/^\+/, '');
  if (kind === 'prefers') return plain;
  return plain.startsWith('-') ? plain.slice(1) : `-${plain}`;
}

/** `xmlns` is a declaration, not an attribute (Namespaces in XML 1.0). Pacemaker loses it or fails on it. */
function problemsOfRule(rule: RuleContent): string[] {
  return Object.entries(rule).flatMap(([key, value]) =>
    key === 'xmlns'
      ? ['A rule cannot have xmlns, neither as an attribute nor as an element.']
      : typeof value === 'string'
        ? []
        : value.flatMap(problemsOfRule),
  );
}

function ruleElement(name: string, content: RuleContent, id: ChooseId, above: string): EditableXml {
  const own = id(`${above}-${name === 'rule' ? 'rule' : 'expr'}`);
  const attributes: Record<string, string> = {};
  const inside: EditableXml[] = [];
  for (const [key, value] of Object.entries(content)) {
    if (typeof value === 'string') {
      if (key !== 'id') attributes[key] = value;
    } else {
      inside.push(...value.map((each) => ruleElement(key, each, id, own)));
    }
  }
  return newElement(name, { id: own, ...attributes }, inside);
}
