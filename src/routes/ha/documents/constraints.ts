import { Fault } from '../../../kit/fault.ts';
import type { JsonObject } from './json.ts';
import type { Cib, Constraint, ResourceSet } from '../../../cluster/model.ts';

/** The documented lists of constraints, each in the CIB's order. */
export interface ConstraintList {
  location_constraints: readonly JsonObject[];
  ordering_constraints: readonly JsonObject[];
  /** Present only if there are any, because the documented example has no such key. */
  ordering_group_constraints?: readonly JsonObject[];
  colocation_constraints: readonly JsonObject[];
  colocation_group_constraints: readonly JsonObject[];
  ticket_constraints: readonly JsonObject[];
  /** Constraints of kinds that later versions of Pacemaker may add, under their element's name. */
  [element: `rsc_${string}`]: readonly JsonObject[];
}

/** Constraint types by the names that the routes accept: those of the lists, and those of Set Constraint. */
export const constraintTypes = {
  location: 'location_constraints',
  ordering: 'ordering_constraints',
  order: 'ordering_constraints',
  ordering_group: 'ordering_group_constraints',
  order_group: 'ordering_group_constraints',
  colocation: 'colocation_constraints',
  colocation_group: 'colocation_group_constraints',
  ticket: 'ticket_constraints',
} as const satisfies Record<string, keyof ConstraintList>;

export type ConstraintType = keyof typeof constraintTypes;

/** The documented answer of `constraint`, without `raw`. */
export function listConstraints({ constraints, configuration }: Cib): ConstraintList {
  const of = (element: string, inSets?: boolean) =>
    constraints.filter(
      (each) =>
        each.element === element && (inSets === undefined || each.sets.length > 0 === inSets),
    );
  const orderingGroups = of('rsc_order', true).map(setsOf);
  return {
    location_constraints: of('rsc_location').map(locationOf),
    ordering_constraints: of('rsc_order', false).map(orderOf),
    ...(orderingGroups.length > 0 && { ordering_group_constraints: orderingGroups }),
    colocation_constraints: of('rsc_colocation', false).map(colocationOf),
    colocation_group_constraints: of('rsc_colocation', true).map(setsOf),
    ticket_constraints: of('rsc_ticket').map(ticketOf),
    ...othersIn(configuration),
  };
}

/**
 * The constraint of that id, in the format of its list.
 * Faults: `constraint_not_found`
 */
export function constraintOf(cib: Cib, id: string): JsonObject {
  const lists: Readonly<Record<string, readonly JsonObject[]>> = { ...listConstraints(cib) };
  const found = Object.values(lists)
    .flat()
    .find((each) => each['id'] === id);
  if (found) return found;
  throw new Fault(
    'constraint_not_found',
    `There is no constraint ${id}, and no type of that name. The list of constraints shows all ids; the types are ${Object.keys(constraintTypes).join(', ')}.`,
  );
}

function locationOf({ id, attributes, sets, rest }: Constraint): JsonObject {
  const { rsc, node, score, ...others } = attributes;
  return {
    ...(rsc !== undefined && { resource: rsc }),
    ...(score !== undefined && { status: score.startsWith('-') ? 'disabled' : 'enabled' }),
    ...(node !== undefined && { on: node }),
    ...(score !== undefined && { score }),
    ...(sets.length > 0 && { sets: sets.map(setOf) }),
    id,
    ...others,
    ...rest,
  };
}

function orderOf({ id, attributes, rest }: Constraint): JsonObject {
  const {
    first = '',
    then = '',
    'first-action': firstAction = 'start',
    'then-action': thenAction = firstAction,
    kind,
    ...others
  } = attributes;
  return {
    order: {
      first: { operation: firstAction, resource: first },
      then: { operation: thenAction, resource: then },
    },
    // Before there were kinds, a score of 0 said "optional" (Pacemaker's constraints-*.rng).
    kind: kind ?? (others['score'] === '0' ? 'Optional' : 'Mandatory'),
    id,
    ...others,
    ...rest,
  };
}

function colocationOf({ id, attributes, rest }: Constraint): JsonObject {
  const { rsc = '', 'with-rsc': withRsc = '', score, ...others } = attributes;
  return {
    first: rsc,
    then: withRsc,
    ...(score !== undefined && { score }),
    id,
    ...others,
    ...rest,
  };
}

function ticketOf({ id, attributes, sets, rest }: Constraint): JsonObject {
  const { ticket = '', rsc, ...others } = attributes;
  return {
    ticket,
    ...(rsc !== undefined && { resource: rsc }),
    ...setFields(sets),
    id,
    ...others,
    ...rest,
  };
}

function setsOf({ id, attributes, sets, rest }: Constraint): JsonObject {
  return { ...setFields(sets), setOptions: attributes, id, ...rest };
}

/** Elements with other names, in the form of XML. */
function othersIn(configuration: JsonObject): Record<string, readonly JsonObject[]> {
  const known = ['rsc_location', 'rsc_order', 'rsc_colocation', 'rsc_ticket'];
  const sections = (configuration['constraints'] ?? []) as readonly JsonObject[];
  return Object.fromEntries(
    Object.entries(sections[0] ?? {}).filter(
      (entry): entry is [string, readonly JsonObject[]] =>
        !known.includes(entry[0]) && Array.isArray(entry[1]),
    ),
  );
}

/** The documented form of the first set, with all sets if that form is incomplete. */
function setFields(sets: readonly ResourceSet[]): JsonObject {
  const [first, ...others] = sets;
  if (first === undefined) return {};
  const isAll = others.length === 0 && Object.keys(first.rest).length === 0;
  return {
    ...setOf({ ...first, rest: {} }),
    resources: sets.flatMap(({ resources }) => resources),
    ...(!isAll && { sets: sets.map(setOf) }),
  };
}

function setOf({ id, resources, options, rest }: ResourceSet): JsonObject {
  return {
    resources,
    ...(id !== undefined && { set_id: id }),
    ...(Object.keys(options).length > 0 && { options }),
    ...rest,
  };
}
