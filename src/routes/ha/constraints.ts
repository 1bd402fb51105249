import { emptyText } from './documents/changes.ts';
import {
  constraintOf,
  constraintTypes,
  type ConstraintType,
  listConstraints,
} from './documents/constraints.ts';
import type { CibText } from '../../cluster/reading/pcs-text.ts';
import { inBody, inPath, optional, rule } from '../../server/table/field.ts';
import { row, type Row } from '../../server/table/row.ts';
import { isNodeName, isXmlId, nodeName, resourceName, xmlId } from './fields/names.ts';
import type { ClusterChangeRows } from './cluster-change-rows.ts';
import {
  areResourceNames,
  constraintRule,
  options,
  pairsOf,
  resourceNames,
  score,
} from './fields/values.ts';
import { isObject, oneOf } from '../../server/table/rules.ts';
import type { CibRows } from './cib-rows.ts';
import {
  addOrder,
  addOrderGroup,
  type OrderedAction,
} from '../../cluster/edits/catalogue/constraints/orders.ts';
import {
  addColocation,
  addColocationGroup,
} from '../../cluster/edits/catalogue/constraints/colocations.ts';
import type { SetOfResources } from '../../cluster/edits/catalogue/constraints/sets.ts';
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
  // The document reads "ordering" and writes "order"; each takes both.
  const spellings = { ordering: additions.order, ordering_group: additions.order_group };

  return [
    fromCibAndText({
      path: '/constraint',
      summary: 'All constraints, by their types.',
      schema: constraints,
      textOf: pcsText.constraints,
      bodyOf: ({ cib }, raw) => ({ ...listConstraints(cib), ...(raw !== undefined && { raw }) }),
    }),
    fromCibAndText({
      path: '/constraint/raw',
      summary: 'All constraints, as pcs tells them.',
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
      // A type, or else an id.
      fields: { type: inPath(xmlId) },
      schema: constraintsOrOne,
      codes: ['constraint_not_found'],
      bodyOf: ({ cib }, { type }) =>
        Object.hasOwn(constraintTypes, type)
          ? (listConstraints(cib)[constraintTypes[type as ConstraintType]] ?? [])
          : constraintOf(cib, type),
    }),
    // The types that there are have routes of their own.
    row({
      methods: ['POST'],
      path: '/constraint/:type',
      summary: 'Refuses a constraint of a type that there is not.',
      role: 'admin',
      fields: { type: inPath(typeIn([...Object.keys(additions), ...Object.keys(spellings)])) },
      answers: {},
      codes: [],
      handle: () => ({}),
    }),
  ];
}

/** What adds a constraint of each type. Another method is that of the constraint with such an id. */
function additionsOf(changing: ClusterChangeRows) {
  return {
    order: changing({
      path: '/constraint/order',
      ...ofAddition,
      summary: 'Has one resource be started before another.',
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
      summary: 'Has resources be started in the order of sets.',
      fields: {
        ...sets,
        // The document's example has a kind and a score that mean something for locations alone.
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
      summary: 'Keeps two resources together, or apart.',
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
      summary: 'Keeps the resources of sets together, or apart.',
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
      summary: 'Says where a resource may run, or rather runs.',
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
      summary: 'Has a resource run only where the cluster has a ticket.',
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
    ...(['resource_not_found', 'node_not_found', 'id_exists', 'constraint_exists'] as const),
    ...(['constraint_contradicts', 'constrain_the_clone'] as const),
  ],
};

const orderKinds = ['Mandatory', 'Optional', 'Serialize'] as const;
const locationKinds = ['avoids', 'prefers'] as const;
const roles = ['Started', 'Stopped', 'Promoted', 'Unpromoted', 'Master', 'Slave'] as const;
const actions = ['start', 'stop', 'promote', 'demote'];
/** Attributes of a `resource_set` (constraints-*.rng), except for its id. */
const setAttributes = ['sequential', 'require-all', 'ordering', 'action', 'role', 'kind', 'score'];

function typeIn(types: readonly string[]) {
  return rule<string>({ type: 'string', enum: types }, (chain) =>
    chain.isIn([...types]).withMessage(`must be one of ${types.join(', ')}`),
  );
}

/** A resource, and what is done with it. */
const orderedAction = rule<OrderedAction>(
  {
    type: 'object',
    properties: { resource: resourceName.schema, operation: { enum: actions } },
    required: ['resource'],
  },
  (chain) =>
    chain
      .custom(
        (value: unknown) =>
          isObject(value) &&
          isXmlId(value['resource']) &&
          (value['operation'] === undefined || isIn(actions, value['operation'])),
      )
      .withMessage(
        `must be an object with "resource", a resource's name, and "operation", one of ${actions.join(', ')}`,
      ),
);

/** A resource's name, or an object with it and the role that is meant. */
const colocated = rule<{ resource: string; role?: string }>(
  {
    anyOf: [
      resourceName.schema,
      {
        type: 'object',
        properties: { resource: resourceName.schema, role: { enum: roles } },
        required: ['resource'],
      },
    ],
  },
  (chain) =>
    chain
      .customSanitizer((value: unknown) =>
        typeof value === 'string' ? { resource: value } : value,
      )
      .custom(
        (value: unknown) =>
          isObject(value) &&
          isXmlId(value['resource']) &&
          (value['role'] === undefined || isIn(roles, value['role'])),
      )
      .withMessage('must be the name of a resource, or an object with "resource" and "role"'),
);

// Pacemaker takes any text; this is more than booth does.
const ticketName = rule<string>({ type: 'string', minLength: 1, maxLength: 255 }, (chain) =>
  chain
    .custom(
      (value: unknown) =>
        typeof value === 'string' && /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,254}$/.test(value),
    )
    .withMessage(
      'must be the name of a ticket: a letter, a digit or "_" first, then these, ".", ":" and "-"; at most 255 characters',
    ),
);

function isIn(words: readonly string[], value: unknown): boolean {
  return typeof value === 'string' && words.includes(value);
}

const setSchema = {
  type: 'object',
  properties: {
    resources: resourceNames.schema,
    options: { type: 'object', propertyNames: { enum: setAttributes } },
  },
  required: ['resources'],
};

const setOfResources = rule<SetOfResources>(setSchema, (chain) =>
  chain
    .custom(
      (value: unknown) =>
        isObject(value) &&
        areResourceNames(value['resources']) &&
        (value['options'] === undefined || pairsOf(value['options'], setAttributes) !== undefined),
    )
    .withMessage(
      `must be an object with "resources", an array of names, and maybe "options", of ${setAttributes.join(', ')}`,
    )
    .bail()
    .customSanitizer((value: { resources: string[]; options?: unknown }) => ({
      resources: value.resources,
      options: pairsOf(value.options ?? {}, setAttributes),
    })),
);

/** Undefined where `setOne` is there instead. */
const ofOneSet = { ...resourceNames.schema, 'x-unless': ['setOne'] };
const resourcesOfSet = rule<string[] | undefined>(ofOneSet, (chain) =>
  chain
    .custom((value: unknown, { req }) => {
      const instead = isObject(req.body) && req.body['setOne'] !== undefined;
      return value === undefined ? instead : areResourceNames(value);
    })
    .withMessage('must be an array of names of resources, each once, unless "setOne" is there'),
);

/** Sets as Set Constraint has them: `resources` alone, or `setOne` and, if there are two, `setTwo`. */
const sets = {
  name: optional(resourceName),
  resources: inBody(resourcesOfSet),
  setOne: optional(setOfResources),
  setTwo: optional(setOfResources),
};

function setsOf({
  resources,
  setOne,
  setTwo,
}: {
  resources?: readonly string[] | undefined;
  setOne?: SetOfResources;
  setTwo?: SetOfResources;
}): SetOfResources[] {
  return [resources && { resources }, setOne, setTwo].filter((each) => each !== undefined);
}

/** Undefined where `location` or `rule` is there instead. */
const nodeNames = rule<string[] | undefined>(
  { type: 'array', items: nodeName.schema, minItems: 1, 'x-unless': ['location', 'rule'] },
  (chain) =>
    chain
      .custom((value: unknown, { req }) => {
        const given = isObject(req.body) ? req.body : {};
        if (value === undefined) return ['location', 'rule'].some((field) => field in given);
        return Array.isArray(value) && value.length > 0 && value.every(isNodeName);
      })
      .withMessage(
        'must be an array of node names, not empty, unless "location" or "rule" is there',
      ),
);
