import { Fault } from '../../../kit/fault.ts';
import { roleIn } from '../../../parsers/cib/values.ts';
import {
  childToEdit,
  type EditableXml,
  newElement,
  removeChildren,
} from '../../../parsers/xml-edit.ts';
import { cibChange, type ClusterChange } from '../cluster-change.ts';
import { editConfiguration, refuse } from '../engine/cib-edit.ts';
import {
  checkIdIsFree,
  checkNode,
  freeId,
  idsIn,
  isClone,
  resourceIn,
} from '../engine/cib-elements.ts';
import { isSameLocation, plainLocation, relationOf } from './constraint-meaning.ts';
import { hasNewRoleNames } from './operations.ts';

/** An action of a resource, as an order has them. */
export interface OrderedAction {
  resource: string;
  operation?: string | undefined;
}

/** Resources of a set, and what holds for them: `sequential`, `require-all`, `action`, `role` … */
export interface SetOfResources {
  resources: readonly string[];
  options?: Readonly<Record<string, string>> | undefined;
}

interface Named {
  /** The id; without one it is made of what the constraint says. */
  name?: string | undefined;
}

export interface Order extends Named {
  first: OrderedAction;
  then: OrderedAction;
  kind?: string | undefined;
  /** `symmetrical`, `require-all`. */
  options?: Readonly<Record<string, string>> | undefined;
}

export interface OrderGroup extends Named {
  sets: readonly SetOfResources[];
  options?: Readonly<Record<string, string>> | undefined;
}

export interface Colocation extends Named {
  first: string;
  then: string;
  score?: string | undefined;
  /** `rsc-role`, `with-rsc-role`, `influence`, `node-attribute`. */
  options?: Readonly<Record<string, string>> | undefined;
}

export interface ColocationGroup extends Named {
  sets: readonly SetOfResources[];
  score?: string | undefined;
}

export interface Location extends Named {
  resource: string;
  /** `avoids` turns the score around. */
  kind?: 'prefers' | 'avoids' | undefined;
  score?: string | undefined;
  /** Node names. */
  locations: readonly string[];
  role?: string | undefined;
  /** Where the resource is probed. */
  discovery?: string | undefined;
  /** Instead of nodes; as `constraint` shows one. */
  rule?: RuleJson | undefined;
}

export interface Ticket extends Named {
  ticket: string;
  resource: string;
  role?: string | undefined;
  lossPolicy?: string | undefined;
}

/** A rule as XML has it: attributes as strings, child elements as arrays under their names. */
export interface RuleJson {
  readonly [key: string]: string | readonly RuleJson[];
}

/**
 * Faults of the edit: `resource_not_found`, `id_exists`, `constraint_exists`, `constraint_contradicts`,
 * `constrain_the_clone`, `cluster_refused` if it is of a resource and itself.
 */
export function addOrder(order: Order): ClusterChange<''> {
  const { first, then, kind = 'Mandatory', options = {} } = order;
  return add(order.name, ({ configuration, id }) => {
    checkOrdered(configuration, [first.resource, then.resource]);
    const firstAction = first.operation ?? 'start';
    const thenAction = then.operation ?? firstAction;
    return [
      newElement('rsc_order', {
        id: id(`order-${first.resource}-${then.resource}-${kind}`),
        first: first.resource,
        'first-action': firstAction,
        then: then.resource,
        'then-action': thenAction,
        kind,
        ...options,
      }),
    ];
  });
}

/** Faults of the edit: as addOrder. */
export function addOrderGroup({ name, sets, options = {} }: OrderGroup): ClusterChange<''> {
  return addWithSets(name, 'order', sets, options);
}

/** Faults of the edit: as addOrder. */
export function addColocation(colocation: Colocation): ClusterChange<''> {
  const { name, first, then, score = 'INFINITY', options = {} } = colocation;
  return add(name, ({ configuration, id, role }) => {
    checkApart(configuration, [first, then]);
    const { 'rsc-role': firstRole, 'with-rsc-role': thenRole, ...others } = options;
    return [
      newElement('rsc_colocation', {
        id: id(`colocation-${first}-${then}-${score}`),
        rsc: first,
        'with-rsc': then,
        score,
        ...others,
        'rsc-role': role(firstRole),
        'with-rsc-role': role(thenRole),
      }),
    ];
  });
}

/** Faults of the edit: as addOrder. */
export function addColocationGroup({
  name,
  sets,
  score = 'INFINITY',
}: ColocationGroup): ClusterChange<''> {
  return addWithSets(name, 'colocation', sets, { score });
}

function addWithSets(
  name: string | undefined,
  kind: 'order' | 'colocation',
  sets: readonly SetOfResources[],
  attributes: Readonly<Record<string, string>>,
): ClusterChange<''> {
  return add(name, ({ configuration, id, role }) => {
    const names = sets.flatMap(({ resources }) => resources);
    (kind === 'order' ? checkOrdered : checkApart)(configuration, names);
    const own = id(idOfSets(kind, sets));
    return [newElement(`rsc_${kind}`, { id: own, ...attributes }, setElements(sets, id, role))];
  });
}

/**
 * A location on nodes takes the place of each that there is of the resource, node and role, as with pcs: scores add
 * up, and a former `-INFINITY` would win.
 * Faults of the edit: as addOrder, `node_not_found`; `cluster_refused` for a rule that is none.
 */
export function addLocation(location: Location): ClusterChange<''> {
  return location.rule ? addRule(location, location.rule) : addLocationsOnNodes(location);
}

function addRule(
  { resource, locations, name, ...location }: Location,
  rule: RuleJson,
): ClusterChange<''> {
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
      // There Pacemaker looks for it, and not in what the rule is in.
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

function addLocationsOnNodes({ resource, name, ...location }: Location): ClusterChange<''> {
  const nodes = [...new Set(location.locations)];
  const score = scoreOf(location);
  return cibChange(
    editConfiguration((configuration, _tools, cib) => {
      checkResources(configuration, [resource]);
      for (const node of nodes) checkNode(configuration, node);
      const role = roleOf(cib)(location.role);
      const wanted = nodes.map((node) =>
        newElement('rsc_location', {
          ...{ rsc: resource, role, node, score },
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
    '',
  );
}

/** Whether they are of the same resource, node and role. */
function isInPlaceOf(one: EditableXml, other: EditableXml): boolean {
  const [mine, theirs] = [plainLocation(one), plainLocation(other)];
  return (
    mine !== undefined &&
    mine.rsc === theirs?.rsc &&
    mine.node === theirs.node &&
    mine.role === theirs.role
  );
}

/** Faults of the edit: as addOrder. */
export function addTicket({ name, ticket, resource, role, lossPolicy }: Ticket): ClusterChange<''> {
  return add(name, ({ configuration, id, role: roleFor }) => {
    checkResources(configuration, [resource]);
    const own = roleFor(role);
    return [
      newElement('rsc_ticket', {
        id: id(['ticket', ticket, resource, own].filter(Boolean).join('-')),
        rsc: resource,
        'rsc-role': own,
        ticket,
        'loss-policy': lossPolicy,
      }),
    ];
  });
}

/** Faults of the edit: `constraint_not_found` */
export function deleteConstraint(id: string): ClusterChange<''> {
  return cibChange(
    editConfiguration((configuration) => {
      const constraints = childToEdit(configuration, 'constraints');
      const kept = constraints.children.filter(({ attributes }) => attributes['id'] !== id);
      if (kept.length === constraints.children.length) throw constraintNotFound(id);
      constraints.children = kept;
    }),
    '',
  );
}

function constraintNotFound(id: string): Fault {
  return new Fault(
    'constraint_not_found',
    `There is no constraint ${id}. GET /api/v2/system/ha/constraint lists them with their ids.`,
  );
}

type ChooseId = (wanted: string) => string;
/** Gives a role the name that the CIB's schema has for it. */
type NameRole = <R extends string | undefined>(role: R) => R;

interface Maker {
  configuration: EditableXml;
  id: ChooseId;
  role: NameRole;
}

/**
 * Adds what `make` gives, unless something that is there says the same or otherwise.
 * @param name the id of the first, if the caller wants one
 */
function add(name: string | undefined, make: (maker: Maker) => EditableXml[]): ClusterChange<''> {
  return cibChange(
    editConfiguration((configuration, _tools, cib) => {
      const id = idsFor(configuration, name);
      const constraints = childToEdit(configuration, 'constraints');
      for (const constraint of make({ configuration, id, role: roleOf(cib) })) {
        for (const each of constraints.children) {
          const relation = relationOf(constraint, each, constraints);
          if (relation === 'says the same') throw constraintExists([each]);
          if (relation) throw constraintContradicts(each, relation.contradiction);
        }
        constraints.children.push(constraint);
      }
    }),
    '',
  );
}

/**
 * Chooses ids that are free. Faults: `id_exists`
 * @param name the first of them, if the caller wants it
 */
function idsFor(configuration: EditableXml, name: string | undefined): ChooseId {
  if (name !== undefined) checkIdIsFree(configuration, name);
  const ids = idsIn(configuration);
  let given = name;
  return (wanted) => {
    if (given === undefined) return freeId(ids, wanted);
    const chosen = given;
    given = undefined;
    ids.add(chosen);
    return chosen;
  };
}

function roleOf(cib: EditableXml): NameRole {
  const isNew = hasNewRoleNames(cib);
  return <R extends string | undefined>(role: R) => (role && roleIn(role, isNew)) as R;
}

function constraintExists(same: readonly EditableXml[]): Fault {
  const names = same.map(({ attributes }) => attributes['id'] ?? '').join(' and ');
  return new Fault(
    'constraint_exists',
    `The constraint ${names} says the same already. Delete it first if it is to have another id.`,
  );
}

function constraintContradicts({ attributes }: EditableXml, how: string): Fault {
  return new Fault(
    'constraint_contradicts',
    `The constraint ${attributes['id'] ?? ''} contradicts it: ${how}. Nothing was changed. Delete that one first if this one is to hold.`,
  );
}

/**
 * Checks resources that are to be ordered among themselves.
 * Faults: `resource_not_found`, `constrain_the_clone`; `cluster_refused` for two in one group, which orders them.
 */
function checkOrdered(configuration: EditableXml, names: readonly string[]): void {
  checkApart(configuration, names);
  const seen = new Map<EditableXml, string>();
  for (const name of names) {
    const [group] = resourceIn(configuration, name).around;
    if (group === undefined) continue;
    const other = seen.get(group);
    if (other !== undefined) {
      const id = group.attributes['id'] ?? '';
      refuse([`${other} and ${name} are both in the group ${id}, whose order is theirs.`]);
    }
    seen.set(group, name);
  }
}

/**
 * Checks resources that a constraint sets in relation to each other.
 * Faults: `resource_not_found`, `constrain_the_clone`; `cluster_refused` for one and itself, or what it is in.
 */
function checkApart(configuration: EditableXml, names: readonly string[]): void {
  checkResources(configuration, names);
  const repeated = names.find((name, index) => names.indexOf(name) < index);
  if (repeated !== undefined) {
    refuse([`${repeated} is named twice, and cannot be constrained to itself.`]);
  }
  for (const name of names) {
    const outer = resourceIn(configuration, name)
      .around.map(({ attributes }) => attributes['id'] ?? '')
      .find((id) => names.includes(id));
    if (outer !== undefined) {
      refuse([`${name} is in ${outer}, and cannot be constrained to it.`]);
    }
  }
}

/** Faults: `resource_not_found`, `constrain_the_clone` */
function checkResources(configuration: EditableXml, names: readonly string[]): void {
  for (const name of names) {
    const { around } = resourceIn(configuration, name);
    const copied = around.find((each) => isClone(each) || each.name === 'bundle');
    if (copied) {
      const id = copied.attributes['id'] ?? '';
      throw new Fault(
        'constrain_the_clone',
        `${name} is inside ${id}, of which there may be several at once. Constrain ${id} instead.`,
      );
    }
  }
}

function scoreOf({
  kind = 'prefers',
  score = 'INFINITY',
}: Pick<Location, 'kind' | 'score'>): string {
  const plain = score.replace(/^\+/, '');
  if (kind === 'prefers') return plain;
  return plain.startsWith('-') ? plain.slice(1) : `-${plain}`;
}

/** As pcs names them. */
function idOfSets(kind: string, sets: readonly SetOfResources[]): string {
  return `${kind}_set_${sets.map(({ resources }) => resources.join('_')).join('_set_')}`;
}

function setElements(sets: readonly SetOfResources[], id: ChooseId, role: NameRole): EditableXml[] {
  return sets.map(({ resources, options: { role: given, ...options } = {} }) =>
    newElement(
      'resource_set',
      { id: id(`pcs_rsc_set_${resources.join('_')}`), ...options, role: role(given) },
      resources.map((resource) => newElement('resource_ref', { id: resource })),
    ),
  );
}

/** Namespaces in XML 1.0: `xmlns` is no attribute but a declaration, which Pacemaker loses or stumbles over. */
function problemsOfRule(rule: RuleJson): string[] {
  return Object.entries(rule).flatMap(([key, value]) =>
    key === 'xmlns'
      ? ['A rule has no xmlns, neither as an attribute nor as an element.']
      : typeof value === 'string'
        ? []
        : value.flatMap(problemsOfRule),
  );
}

function ruleElement(name: string, json: RuleJson, id: ChooseId, above: string): EditableXml {
  const own = id(`${above}-${name === 'rule' ? 'rule' : 'expr'}`);
  const attributes: Record<string, string> = {};
  const inside: EditableXml[] = [];
  for (const [key, value] of Object.entries(json)) {
    if (typeof value === 'string') {
      if (key !== 'id') attributes[key] = value;
    } else {
      inside.push(...value.map((each) => ruleElement(key, each, id, own)));
    }
  }
  return newElement(name, { id: own, ...attributes }, inside);
}
