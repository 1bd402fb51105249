import { Fault } from '../../errors.ts';
import { childToEdit, type EditableXml, newElement } from '../../parsers/xml-edit.ts';
import { cibChange, type Change } from './changes.ts';
import { editConfiguration, refuse } from './cib-edit.ts';
import { checkIdIsFree, checkNode, freeId, idsIn, isClone, resourceIn } from './cib-elements.ts';

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

/** Faults of the edit: `resource_not_found`, `id_exists`, `constraint_exists`, `constrain_the_clone`. */
export function addOrder(order: Order): Change<''> {
  const { first, then, kind = 'Mandatory', options = {} } = order;
  return add(order.name, (configuration, id) => {
    checkResources(configuration, [first.resource, then.resource]);
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
export function addOrderGroup({ name, sets, options = {} }: OrderGroup): Change<''> {
  return addWithSets(name, 'order', sets, options);
}

/** Faults of the edit: as addOrder. */
export function addColocation(colocation: Colocation): Change<''> {
  const { name, first, then, score = 'INFINITY', options = {} } = colocation;
  return add(name, (configuration, id) => {
    checkResources(configuration, [first, then]);
    return [
      newElement('rsc_colocation', {
        id: id(`colocation-${first}-${then}-${score}`),
        rsc: first,
        'with-rsc': then,
        score,
        ...options,
      }),
    ];
  });
}

/** Faults of the edit: as addOrder. */
export function addColocationGroup({
  name,
  sets,
  score = 'INFINITY',
}: ColocationGroup): Change<''> {
  return addWithSets(name, 'colocation', sets, { score });
}

function addWithSets(
  name: string | undefined,
  kind: 'order' | 'colocation',
  sets: readonly SetOfResources[],
  attributes: Readonly<Record<string, string>>,
): Change<''> {
  return add(name, (configuration, id) => {
    const names = sets.flatMap(({ resources }) => resources);
    checkResources(configuration, names);
    const own = id(idOfSets(kind, sets));
    return [newElement(`rsc_${kind}`, { id: own, ...attributes }, setElements(sets, id))];
  });
}

/** Faults of the edit: as addOrder, `node_not_found`; `cluster_refused` for a rule that is none. */
export function addLocation(location: Location): Change<''> {
  const { resource, locations, rule, name } = location;
  const score = scoreOf(location);
  return add(name, (configuration, id) => {
    checkResources(configuration, [resource]);
    for (const node of locations) checkNode(configuration, node);
    if (rule) {
      refuse(problemsOfRule(rule));
      const own = id(`location-${resource}`);
      const scored = 'score' in rule || 'score-attribute' in rule ? rule : { ...rule, score };
      return [
        newElement('rsc_location', { id: own, rsc: resource }, [
          ruleElement('rule', scored, id, own),
        ]),
      ];
    }
    return locations.map((node) =>
      newElement('rsc_location', {
        id: id(`location-${resource}-${node}-${score}`),
        rsc: resource,
        node,
        score,
      }),
    );
  });
}

/** Faults of the edit: as addOrder. */
export function addTicket({ name, ticket, resource, role, lossPolicy }: Ticket): Change<''> {
  return add(name, (configuration, id) => {
    checkResources(configuration, [resource]);
    return [
      newElement('rsc_ticket', {
        id: id(['ticket', ticket, resource, role].filter(Boolean).join('-')),
        rsc: resource,
        'rsc-role': role,
        ticket,
        'loss-policy': lossPolicy,
      }),
    ];
  });
}

/** Faults of the edit: `constraint_not_found` */
export function deleteConstraint(id: string): Change<''> {
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

/**
 * Adds what `make` gives.
 * @param name the id of the first, if the caller wants one
 */
function add(
  name: string | undefined,
  make: (configuration: EditableXml, id: (wanted: string) => string) => EditableXml[],
): Change<''> {
  return cibChange(
    editConfiguration((configuration) => {
      if (name !== undefined) checkIdIsFree(configuration, name);
      const ids = idsIn(configuration);
      let given = name;
      const id = (wanted: string) => {
        if (given === undefined) return freeId(ids, wanted);
        const chosen = given;
        given = undefined;
        ids.add(chosen);
        return chosen;
      };
      const constraints = childToEdit(configuration, 'constraints');
      for (const constraint of make(configuration, id)) {
        const same = constraints.children.find((each) => saysTheSame(each, constraint));
        if (same) {
          throw new Fault(
            'constraint_exists',
            `The constraint ${same.attributes['id'] ?? ''} says the same already. Delete it first if it is to have another id.`,
          );
        }
        constraints.children.push(constraint);
      }
    }),
    '',
  );
}

/** Whether two elements differ in their ids alone. */
function saysTheSame(one: EditableXml, other: EditableXml): boolean {
  const said = ({ name, attributes, children }: EditableXml): unknown => [
    name,
    Object.entries(attributes)
      .filter(([key]) => key !== 'id' || name === 'resource_ref')
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    children.map(said),
  ];
  return JSON.stringify(said(one)) === JSON.stringify(said(other));
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

function scoreOf({ kind = 'prefers', score = 'INFINITY' }: Location): string {
  const plain = score.replace(/^\+/, '');
  if (kind === 'prefers') return plain;
  return plain.startsWith('-') ? plain.slice(1) : `-${plain}`;
}

/** As pcs names them. */
function idOfSets(kind: string, sets: readonly SetOfResources[]): string {
  return `${kind}_set_${sets.map(({ resources }) => resources.join('_')).join('_set_')}`;
}

function setElements(
  sets: readonly SetOfResources[],
  id: (wanted: string) => string,
): EditableXml[] {
  return sets.map(({ resources, options = {} }) =>
    newElement(
      'resource_set',
      { id: id(`pcs_rsc_set_${resources.join('_')}`), ...options },
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

function ruleElement(
  name: string,
  json: RuleJson,
  id: (wanted: string) => string,
  above: string,
): EditableXml {
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
