import {
  anyOf,
  listOf,
  mapOf,
  part,
  record,
  text,
  texts,
  enumOf,
} from '../../../server/table/schema.ts';
import { xmlElement, xmlRest } from './xml.ts';

// Answers that are made from the CIB.

const pairs = mapOf(text);

/** Attribute sets: the pairs in effect, and the sets with further content. */
const paramsAndMeta = {
  'params?': pairs,
  'instance_attributes?': listOf(xmlElement),
  'meta?': pairs,
  'meta_attributes?': listOf(xmlElement),
};

/** The containers of a resource. */
const around = { 'group?': text, 'clone?': text, 'bundle?': text };

const operation = part(
  'Operation',
  record({ name: text, 'operation?': text, ...paramsAndMeta }, xmlRest),
);

const definition = {
  'class?': text,
  'provider?': text,
  'type?': text,
  ...paramsAndMeta,
  'utilization?': pairs,
  'utilization_sets?': listOf(xmlElement),
  'op?': mapOf(operation),
};

export const resource = part(
  'Resource',
  record({ name: text, 'template?': text, ...around, ...definition }, xmlRest),
);
export const resources = listOf(resource);

const template = part(
  'Template',
  record({ name: text, kind: enumOf('template'), ...definition }, xmlRest),
);

const container = part(
  'Container',
  record(
    {
      name: text,
      kind: enumOf('group', 'clone', 'master', 'bundle'),
      resources: texts,
      ...around,
      ...paramsAndMeta,
    },
    xmlRest,
  ),
);

/** A list with one member. */
export const resourceDetails = listOf(anyOf(resource, container, template));

export const group = part(
  'Group',
  record({ groupName: text, resources: texts, ...around, ...paramsAndMeta }, xmlRest),
);
export const groups = listOf(group);

const resourceSet = part(
  'ResourceSet',
  record({ resources: texts, 'set_id?': text, 'options?': pairs }, xmlRest),
);
const sets = {
  'resources?': texts,
  'set_id?': text,
  'options?': pairs,
  'sets?': listOf(resourceSet),
};

const location = part(
  'LocationConstraint',
  record(
    {
      'resource?': text,
      'status?': enumOf('enabled', 'disabled'),
      'on?': text,
      'score?': text,
      'sets?': listOf(resourceSet),
      id: text,
    },
    xmlRest,
  ),
);

const orderedAction = record({ operation: text, resource: text });
const order = part(
  'OrderConstraint',
  record(
    { order: record({ first: orderedAction, then: orderedAction }), kind: text, id: text },
    xmlRest,
  ),
);

const colocation = part(
  'ColocationConstraint',
  record({ first: text, then: text, 'score?': text, id: text }, xmlRest),
);

const constraintOfSets = part(
  'ConstraintOfSets',
  record({ ...sets, setOptions: pairs, id: text }, xmlRest),
);

const ticket = part(
  'TicketConstraint',
  record({ ticket: text, 'resource?': text, ...sets, id: text }, xmlRest),
);

const constraint = anyOf(location, order, colocation, constraintOfSets, ticket, xmlElement);

export const constraints = part(
  'Constraints',
  record(
    {
      location_constraints: listOf(location),
      ordering_constraints: listOf(order),
      'ordering_group_constraints?': listOf(constraintOfSets),
      colocation_constraints: listOf(colocation),
      colocation_group_constraints: listOf(constraintOfSets),
      ticket_constraints: listOf(ticket),
      'raw?': text,
    },
    listOf(xmlElement),
  ),
);

/** The constraints of one type, or a single constraint. */
export const constraintsOrOne = anyOf(listOf(constraint), constraint);

/** The target of a level, if it is not the name of a node. */
const selector = { 'target_pattern?': text, 'target_attribute?': text, 'target_value?': text };

export const levels = listOf(
  part(
    'FencingLevel',
    record({ level: text, 'node_name?': text, ...selector, devices: texts, id: text }, xmlRest),
  ),
);

const target = part(
  'FencingTarget',
  record({
    'target?': text,
    ...selector,
    levels: listOf(record({ level: text, devices: texts, id: text }, xmlRest)),
  }),
);

export const fencing = part(
  'Fencing',
  record({ 'raw?': text, resources, targets: listOf(target) }),
);

export const properties = mapOf(part('Property', record({ default: text, value: text })));

export const wholeConfiguration = record({
  version: text,
  'validate-with': text,
  configuration: xmlElement,
});
