import { type RequestHandler, Router } from 'express';
import { body, param, type ValidationChain } from 'express-validator';

import {
  addColocation,
  addColocationGroup,
  addLocation,
  addOrder,
  addOrderGroup,
  addTicket,
  deleteConstraint,
  type Location,
  type OrderedAction,
  type SetOfResources,
} from '../../cluster/changes/constraints.ts';
import type { Pairs } from '../../cluster/changes/cib-elements.ts';
import {
  constraintOf,
  constraintTypes,
  type ConstraintType,
  listConstraints,
} from '../../cluster/constraints.ts';
import type { CibWords } from '../../cluster/words.ts';
import { allowOnly } from '../methods.ts';
import { requireRole } from '../../server/middleware/authenticate.ts';
import { type Checks, validate } from '../../server/middleware/validate.ts';
import { isNodeName, isXmlId, nodeName, resourceName, xmlId } from '../names.ts';
import type { ChangeHandlers } from './change.ts';
import {
  areResourceNames,
  isObject,
  newId,
  oneOf,
  options,
  pairsOf,
  rule,
  score,
} from './fields.ts';
import { type FromCib, nothing, rawWanted } from './from-cib.ts';

/** The routes of constraints. */
export function constraintRoutes(
  words: CibWords,
  fromCib: FromCib,
  changing: ChangeHandlers,
): Router {
  const router = Router();

  router
    .route('/constraint')
    .get(
      fromCib(
        rawWanted,
        ({ cib }, _fields, raw) => ({ ...listConstraints(cib), ...(raw !== undefined && { raw }) }),
        words.constraints,
      ),
    )
    .all(allowOnly('GET', 'HEAD'));

  router
    .route('/constraint/raw')
    .get(fromCib(nothing, (_from, _fields, raw) => raw, words.constraints))
    .all(allowOnly('GET', 'HEAD'));

  const additions = additionsOf(changing);
  for (const [type, handlers] of Object.entries(additions)) {
    router.post(`/constraint/${type}`, handlers);
  }

  const remove = changing({
    checks: () => [xmlId('id')],
    change: ({ id }: { id: string }) => deleteConstraint(id),
  });
  router.route('/constraint/:id/delete').post(remove).all(allowOnly('POST'));
  router.delete('/constraint/:id', remove);

  router
    .route('/constraint/:type')
    .get(
      fromCib(
        // A type, or else an id.
        () => [xmlId('type')],
        ({ cib }, { type = '' }) =>
          Object.hasOwn(constraintTypes, type)
            ? (listConstraints(cib)[constraintTypes[type as ConstraintType]] ?? [])
            : constraintOf(cib, type),
      ),
    )
    // Of the types that there are, each has its own route above.
    .post(
      requireRole('admin'),
      validate(() => [typeIn(Object.keys(additions))]),
    )
    .all(allowOnly('GET', 'HEAD', 'POST', 'DELETE'));

  return router;
}

/** What adds a constraint of each type. */
function additionsOf(changing: ChangeHandlers): Record<string, RequestHandler[]> {
  return {
    order: changing({
      checks: () => [
        newId('name'),
        action('first'),
        action('then'),
        oneOf('kind', orderKinds).optional(),
        options('options', ['symmetrical', 'require-all']),
      ],
      change: (fields: {
        name?: string;
        first: OrderedAction;
        then: OrderedAction;
        kind?: string;
        options: Pairs;
      }) => addOrder(fields),
    }),

    order_group: changing({
      checks: () => [
        ...sets(),
        // The document's example has a kind and a score that mean something for locations alone.
        oneOf('kind', [...orderKinds, ...locationKinds]).optional(),
        score('score'),
        options('setOptions', ['kind', 'symmetrical', 'score', 'require-all']),
      ],
      change: ({ name, kind, setOptions, ...fields }: SetFields & { kind?: string }) =>
        addOrderGroup({
          name,
          sets: setsOf(fields),
          options: {
            ...(kind !== undefined && orderKinds.includes(kind) && { kind }),
            ...setOptions,
          },
        }),
    }),

    colocation: changing({
      checks: () => [
        newId('name'),
        colocated('first'),
        colocated('then'),
        score('score'),
        options('options', ['influence', 'node-attribute']),
      ],
      change: (fields: {
        name?: string;
        first: Colocated;
        then: Colocated;
        score?: string;
        options: Pairs;
      }) =>
        addColocation({
          ...fields,
          first: fields.first.resource,
          then: fields.then.resource,
          options: {
            ...fields.options,
            ...(fields.first.role !== undefined && { 'rsc-role': fields.first.role }),
            ...(fields.then.role !== undefined && { 'with-rsc-role': fields.then.role }),
          },
        }),
    }),

    colocation_group: changing({
      checks: () => [...sets(), score('score'), options('setOptions', ['score'])],
      change: ({ name, score: weight, setOptions, ...fields }: SetFields & { score?: string }) =>
        addColocationGroup({
          name,
          sets: setsOf(fields),
          score: setOptions['score'] ?? weight,
        }),
    }),

    location: changing({
      checks: () => [
        newId('name'),
        resourceName('resource', body),
        oneOf('kind', locationKinds).optional(),
        score('score'),
        rule('rule'),
        nodeName('location', body).optional(),
        nodes(),
        oneOf('role', roles).optional(),
        oneOf('resource-discovery', ['always', 'never', 'exclusive']).optional(),
      ],
      change: ({
        location,
        locations = [],
        'resource-discovery': discovery,
        ...fields
      }: Omit<Location, 'locations' | 'discovery'> & {
        location?: string;
        locations?: readonly string[];
        'resource-discovery'?: string;
      }) =>
        addLocation({
          ...fields,
          discovery,
          locations: location === undefined ? locations : [location, ...locations],
        }),
    }),

    ticket: changing({
      checks: () => [
        newId('name'),
        ticketName,
        resourceName('resource', body),
        oneOf('role', roles).optional(),
        oneOf('loss-policy', ['fence', 'stop', 'freeze', 'demote']).optional(),
      ],
      change: (fields: {
        name?: string;
        ticket: string;
        resource: string;
        role?: string;
        'loss-policy'?: string;
      }) => addTicket({ ...fields, lossPolicy: fields['loss-policy'] }),
    }),
  };
}

const orderKinds: readonly string[] = ['Mandatory', 'Optional', 'Serialize'];
const locationKinds: readonly string[] = ['avoids', 'prefers'];
const roles = ['Started', 'Stopped', 'Promoted', 'Unpromoted', 'Master', 'Slave'];
const actions = ['start', 'stop', 'promote', 'demote'];
/** Attributes of a `resource_set` (constraints-*.rng), but for its id. */
const setAttributes = ['sequential', 'require-all', 'ordering', 'action', 'role', 'kind', 'score'];

function typeIn(types: readonly string[]): ValidationChain {
  return param('type')
    .isIn([...types])
    .withMessage(`must be one of ${types.join(', ')}`);
}

/** A resource, and what is done with it. */
function action(field: string): ValidationChain {
  return body(field)
    .custom(
      (value: unknown) =>
        isObject(value) &&
        isXmlId(value['resource']) &&
        (value['operation'] === undefined || isIn(actions, value['operation'])),
    )
    .withMessage(
      `must be an object with "resource", a resource's name, and "operation", one of ${actions.join(', ')}`,
    );
}

interface Colocated {
  resource: string;
  role?: string;
}

/** A resource's name, or an object with it and the role that is meant. */
function colocated(field: string): ValidationChain {
  return body(field)
    .customSanitizer((value: unknown) => (typeof value === 'string' ? { resource: value } : value))
    .custom(
      (value: unknown) =>
        isObject(value) &&
        isXmlId(value['resource']) &&
        (value['role'] === undefined || isIn(roles, value['role'])),
    )
    .withMessage('must be the name of a resource, or an object with "resource" and "role"');
}

// Pacemaker takes any text; this is more than booth does.
const ticketName = body('ticket')
  .custom(
    (value: unknown) =>
      typeof value === 'string' && /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,254}$/.test(value),
  )
  .withMessage(
    'must be the name of a ticket: a letter, a digit or "_" first, then these, ".", ":" and "-"; at most 255 characters',
  );

function isIn(words: readonly string[], value: unknown): boolean {
  return typeof value === 'string' && words.includes(value);
}

interface SetFields {
  name?: string;
  resources?: readonly string[];
  setOne?: SetOfResources;
  setTwo?: SetOfResources;
  setOptions: Pairs;
}

/** Sets as Set Constraint has them: `resources` alone, or `setOne` and, if there are two, `setTwo`. */
const sets: Checks = () => [
  newId('name'),
  body('resources')
    .custom((value: unknown, { req }) => {
      const instead = isObject(req.body) && req.body['setOne'] !== undefined;
      return value === undefined ? instead : areResourceNames(value);
    })
    .withMessage('must be an array of names of resources, each once, unless "setOne" is there'),
  setOfResources('setOne'),
  setOfResources('setTwo'),
];

function setOfResources(field: string): ValidationChain {
  return body(field)
    .optional()
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
    }));
}

function setsOf({ resources, setOne, setTwo }: Partial<SetFields>): SetOfResources[] {
  return [resources && { resources }, setOne, setTwo].filter((each) => each !== undefined);
}

const nodes = () =>
  body('locations')
    .custom((value: unknown, { req }) => {
      const given = isObject(req.body) ? req.body : {};
      if (value === undefined) return ['location', 'rule'].some((field) => field in given);
      return Array.isArray(value) && value.length > 0 && value.every(isNodeName);
    })
    .withMessage('must be an array of node names, not empty, unless "location" or "rule" is there');
