import type { OrderedAction } from '../../../cluster/edits/catalogue/constraints/orders.ts';
import type { SetOfResources } from '../../../cluster/edits/catalogue/constraints/sets.ts';
import { inBody, optional, rule } from '../../../server/table/field.ts';
import { isObject } from '../../../server/table/rules.ts';
import { isNodeName, isXmlId, nodeName, resourceName } from './names.ts';
import { areResourceNames, pairsOf, resourceNames } from './values.ts';

// The fields of constraints.

export const orderKinds = ['Mandatory', 'Optional', 'Serialize'] as const;
export const locationKinds = ['avoids', 'prefers'] as const;
export const roles = ['Started', 'Stopped', 'Promoted', 'Unpromoted', 'Master', 'Slave'] as const;
const actions = ['start', 'stop', 'promote', 'demote'];
/** Attributes of a `resource_set` (constraints-*.rng), except for its id. */
const setAttributes = ['sequential', 'require-all', 'ordering', 'action', 'role', 'kind', 'score'];

export function typeIn(types: readonly string[]) {
  return rule<string>({ type: 'string', enum: types }, (chain) =>
    chain.isIn([...types]).withMessage(`must be one of ${types.join(', ')}`),
  );
}

/** A resource with the action on it. */
export const orderedAction = rule<OrderedAction>(
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

/** The name of a resource, or an object with the name and a role. */
export const colocated = rule<{ resource: string; role?: string }>(
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

// Pacemaker accepts any text. This rule accepts more than booth does.
export const ticketName = rule<string>({ type: 'string', minLength: 1, maxLength: 255 }, (chain) =>
  chain
    .custom(
      (value: unknown) =>
        typeof value === 'string' && /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,254}$/.test(value),
    )
    .withMessage(
      'must be the name of a ticket: a letter, a digit or "_" first, then these, ".", ":" and "-"; at most 255 characters',
    ),
);

export function isIn(texts: readonly string[], value: unknown): boolean {
  return typeof value === 'string' && texts.includes(value);
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

/** Undefined if `setOne` is used instead. */
const ofOneSet = { ...resourceNames.schema, 'x-unless': ['setOne'] };
const resourcesOfSet = rule<string[] | undefined>(ofOneSet, (chain) =>
  chain
    .custom((value: unknown, { req }) => {
      const instead = isObject(req.body) && req.body['setOne'] !== undefined;
      return value === undefined ? instead : areResourceNames(value);
    })
    .withMessage('must be an array of names of resources, each once, unless "setOne" is there'),
);

/** Sets in the format of Set Constraint: only `resources`, or `setOne` and, for two sets, `setTwo`. */
export const sets = {
  name: optional(resourceName),
  resources: inBody(resourcesOfSet),
  setOne: optional(setOfResources),
  setTwo: optional(setOfResources),
};

export function setsOf({
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

/** Undefined if `location` or `rule` is used instead. */
export const nodeNames = rule<string[] | undefined>(
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
