import { emptyText } from './documents/changes.ts';
import {
  constraintOf,
  constraintTypes,
  type ConstraintType,
  listConstraints,
} from './documents/constraints.ts';
import type { CibText } from '../../cluster/reading/pcs-text.ts';
import { inBody, inPath, optional } from '../../server/table/field.ts';
import { row, type Row } from '../../server/table/row.ts';
import { nodeName, resourceName, xmlId } from './fields/names.ts';
import type { ClusterChangeRows } from './cluster-change-rows.ts';
import { constraintRule, options, score } from './fields/values.ts';
import { oneOf } from '../../server/table/rules.ts';
import {
  orderKinds,
  locationKinds,
  roles,
  typeIn,
  orderedAction,
  colocated,
  ticketName,
  isIn,
  sets,
  setsOf,
  nodeNames,
} from './fields/constraints.ts';
import type { CibRows } from './cib-rows.ts';
import { addOrder, addOrderGroup } from '../../cluster/edits/catalogue/constraints/orders.ts';
import {
  addColocation,
  addColocationGroup,
} from '../../cluster/edits/catalogue/constraints/colocations.ts';
import { addLocation } from '../../cluster/edits/catalogue/constraints/locations.ts';
import { addTicket } from '../../cluster/edits/catalogue/constraints/tickets.ts';
import { deleteConstraint } from '../../cluster/edits/catalogue/constraints/delete.ts';
import { always, text } from '../../server/table/schema.ts';
import { constraints, constraintsOrOne } from './answers/configuration.ts';

/** The routes of constraints. */
export function constraintRows(
  pcsText: CibText,
  { fromCib, fromCibAndText }: CibRows,
  changing: ClusterChangeRows,
): Row[] {
  const remove = {
    summary: 'Deletes a constraint.',
    schema: always(''),
    codes: ['constraint_not_found'] as const,
    fields: { id: inPath(xmlId) },
    change: ({ id }: { id: string }) => deleteConstraint(id),
    answer: emptyText,
  };
  const additions = additionsOf(changing);
  // The contract reads "ordering" and writes "order". Each accepts both.
  const spellings = { ordering: additions.order, ordering_group: additions.order_group };

  return [
    fromCibAndText({
      path: '/constraint',
      summary: 'All constraints, by type.',
      schema: constraints,
      textOf: pcsText.constraints,
      bodyOf: ({ cib }, raw) => ({ ...listConstraints(cib), ...(raw !== undefined && { raw }) }),
    }),
    fromCibAndText({
      path: '/constraint/raw',
      summary: 'All constraints, as the text that pcs prints.',
      schema: text,
      isTextItself: true,
      textOf: pcsText.constraints,
      bodyOf: (_from, raw) => raw,
    }),
    ...Object.values(additions),
    ...Object.entries(spellings).map(([type, each]) => ({ ...each, path: `/constraint/${type}` })),
    changing({ ...remove, path: '/constraint/:id/delete' }),
    changing({ ...remove, methods: ['DELETE'], path: '/constraint/:id' }),
    fromCib({
      path: '/constraint/:type',
      summary: 'The constraints of one type, or one constraint by its id.',
      // A constraint type, or else an id.
      fields: { type: inPath(xmlId) },
      schema: constraintsOrOne,
      codes: ['constraint_not_found'],
      bodyOf: ({ cib }, { type }) =>
        Object.hasOwn(constraintTypes, type)
          ? (listConstraints(cib)[constraintTypes[type as ConstraintType]] ?? [])
          : constraintOf(cib, type),
    }),
    // The known types have routes of their own.
    row({
      methods: ['POST'],
      path: '/constraint/:type',
      summary: 'Refuses a constraint of an unknown type.',
      role: 'admin',
      fields: { type: inPath(typeIn([...Object.keys(additions), ...Object.keys(spellings)])) },
      answers: {},
      codes: [],
      handle: () => ({}),
    }),
  ];
}

/**
 * The routes that add a constraint of each type. Other methods of the same path belong to a constraint with that id.
 */
function additionsOf(changing: ClusterChangeRows) {
  return {
    order: changing({
      path: '/constraint/order',
      ...ofAddition,
      summary: 'Makes the cluster start one resource before another.',
      fields: {
        name: optional(resourceName),
        first: inBody(orderedAction),
        then: inBody(orderedAction),
        kind: optional(oneOf(orderKinds)),
        options: inBody(options(['symmetrical', 'require-all'])),
      },
      change: (values) => addOrder(values),
      answer: emptyText,
    }),

    order_group: changing({
      path: '/constraint/order_group',
      ...ofAddition,
      summary: 'Makes the cluster start resources in the order of sets.',
      fields: {
        ...sets,
        // The documented example has a kind and a score, which have a meaning only for locations.
        kind: optional(oneOf([...orderKinds, ...locationKinds])),
        score: optional(score),
        setOptions: inBody(options(['kind', 'symmetrical', 'score', 'require-all'])),
      },
      unused: ({ kind, score: weight }) => [
        ...(isIn(locationKinds, kind) ? ['kind'] : []),
        ...(weight === undefined ? [] : ['score']),
      ],
      change: ({ name, kind, setOptions, ...values }) =>
        addOrderGroup({
          name,
          sets: setsOf(values),
          options: {
            ...(kind !== undefined && isIn(orderKinds, kind) && { kind }),
            ...setOptions,
          },
        }),
      answer: emptyText,
    }),

    colocation: changing({
      path: '/constraint/colocation',
      ...ofAddition,
      summary: 'Keeps two resources together or apart.',
      fields: {
        name: optional(resourceName),
        first: inBody(colocated),
        then: inBody(colocated),
        score: optional(score),
        options: inBody(options(['influence', 'node-attribute'])),
      },
      change: (values) =>
        addColocation({
          ...values,
          first: values.first.resource,
          then: values.then.resource,
          options: {
            ...values.options,
            ...(values.first.role !== undefined && { 'rsc-role': values.first.role }),
            ...(values.then.role !== undefined && { 'with-rsc-role': values.then.role }),
          },
        }),
      answer: emptyText,
    }),

    colocation_group: changing({
      path: '/constraint/colocation_group',
      ...ofAddition,
      summary: 'Keeps the resources of sets together or apart.',
      fields: { ...sets, score: optional(score), setOptions: inBody(options(['score'])) },
      change: ({ name, score: weight, setOptions, ...values }) =>
        addColocationGroup({
          name,
          sets: setsOf(values),
          score: setOptions['score'] ?? weight,
        }),
      answer: emptyText,
    }),

    location: changing({
      path: '/constraint/location',
      ...ofAddition,
      summary: 'Sets the nodes that a resource prefers or avoids.',
      fields: {
        name: optional(resourceName),
        resource: inBody(resourceName),
        kind: optional(oneOf(locationKinds)),
        score: optional(score),
        rule: optional(constraintRule),
        location: optional(nodeName),
        locations: inBody(nodeNames),
        role: optional(oneOf(roles)),
        'resource-discovery': optional(oneOf(['always', 'never', 'exclusive'])),
      },
      change: ({ location, locations = [], 'resource-discovery': discovery, ...values }) =>
        addLocation({
          ...values,
          discovery,
          locations: location === undefined ? locations : [location, ...locations],
        }),
      answer: emptyText,
    }),

    ticket: changing({
      path: '/constraint/ticket',
      ...ofAddition,
      summary: 'Lets a resource run only while the cluster has a ticket.',
      fields: {
        name: optional(resourceName),
        ticket: inBody(ticketName),
        resource: inBody(resourceName),
        role: optional(oneOf(roles)),
        'loss-policy': optional(oneOf(['fence', 'stop', 'freeze', 'demote'])),
      },
      change: (values) => addTicket({ ...values, lossPolicy: values['loss-policy'] }),
      answer: emptyText,
    }),
  };
}

const ofAddition = {
  isOpen: true,
  schema: always(''),
  codes: [
    'resource_not_found',
    'node_not_found',
    'id_exists',
    'constraint_exists',
    'constraint_contradicts',
    'constrain_the_clone',
  ] as const,
};
