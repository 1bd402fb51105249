import { type RequestHandler, Router } from 'express';
import { body, matchedData } from 'express-validator';

import type { PropertyChanges } from '../../cluster/changes/properties.ts';
import type { ConfigurationReader } from '../../cluster/configuration.ts';
import {
  type ClusterOptionsReader,
  listProperties,
  propertyDetails,
  type PropertyList,
} from '../../cluster/properties.ts';
import { allowOnly, byGetOrPost } from '../methods.ts';
import { type Checks, validate } from '../../server/middleware/validate.ts';
import { propertyName } from '../names.ts';
import { answerFromCib } from './answer.ts';
import type { ChangeHandlers } from './change.ts';
import { isText } from './fields.ts';
import { type Fields, nothing } from './from-cib.ts';

/** What the routes of properties ask of the domain. */
export interface PropertyDomain {
  configuration: ConfigurationReader;
  clusterOptions: ClusterOptionsReader;
  propertyChanges: PropertyChanges;
}

/** The routes of cluster properties. */
export function propertyRoutes(
  { configuration, clusterOptions, propertyChanges }: PropertyDomain,
  changing: ChangeHandlers,
): Router {
  const router = Router();

  /** The daemons are asked for the defaults while the CIB is read. */
  const fromProperties = (
    checks: Checks,
    bodyOf: (list: PropertyList, fields: Fields) => unknown,
  ): RequestHandler[] => [
    validate(checks),
    async (request, response) => {
      const [from, options] = await Promise.all([configuration.get(), clusterOptions()]);
      const list = listProperties(from.cib, options);
      answerFromCib(response, from, bodyOf(list, matchedData<Fields>(request)));
    },
  ];

  router
    .route('/property')
    .get(fromProperties(nothing, (list) => list))
    .all(allowOnly('GET', 'HEAD'));

  const removeAll = changing({
    change: propertyChanges.deleteAll,
    loses: () => 'All cluster properties go back to their defaults, fencing among them.',
  });
  byGetOrPost(router, '/property/delete_all', removeAll);

  const details = fromProperties(
    () => [propertyName('name')],
    (list, { name = '' }) => propertyDetails(list, name),
  );
  router.route('/property/:name/details').get(details).all(allowOnly('GET', 'HEAD'));

  const set = changing({
    checks: () => [propertyName('name'), propertyValue()],
    change: ({ name, value }: { name: string; value: string }) => propertyChanges.set(name, value),
  });
  router.route('/property/:name/set').post(set).all(allowOnly('POST'));

  const remove = changing({
    checks: () => [propertyName('name')],
    change: ({ name }: { name: string }) => propertyChanges.delete(name),
  });
  byGetOrPost(router, '/property/:name/delete', remove);
  router
    .route('/property/:name')
    .get(details)
    .put(set)
    .delete(remove)
    .all(allowOnly('GET', 'HEAD', 'PUT', 'DELETE'));

  return router;
}

const propertyValue = () =>
  body('value')
    .custom(
      (value: unknown) =>
        (isText(value) && value !== '') || typeof value === 'boolean' || Number.isFinite(value),
    )
    .withMessage(
      'must be a string of at most 4096 characters that XML can hold, not empty, a number or a boolean',
    )
    .bail()
    .customSanitizer(String);
