import { type Request, type Response, Router } from 'express';
import { matchedData, param, query, type ValidationChain } from 'express-validator';

import type { Configuration, ConfigurationReader } from '../../cluster/configuration.ts';
import {
  constraintTypes,
  type ConstraintType,
  listConstraints,
} from '../../cluster/constraints.ts';
import {
  listProperties,
  type OptionDefaultsReader,
  propertyDetails,
  type PropertyList,
} from '../../cluster/properties.ts';
import { detailsOf, listGroups, listResources } from '../../cluster/resources.ts';
import { listFencing, listLevels } from '../../cluster/stonith.ts';
import type { CibWords } from '../../cluster/words.ts';
import { allowOnly } from '../methods.ts';
import { validate } from '../middleware/validate.ts';
import { propertyName, resourceName } from '../names.ts';
import { answerFromCib } from './answer.ts';

/** What the routes need that answer from the CIB's configuration. */
export interface ConfigurationDomain {
  configuration: ConfigurationReader;
  optionDefaults: OptionDefaultsReader;
  words: CibWords;
}

/** The routes that read what is configured; they answer also while the cluster is stopped. */
export function configurationRoutes({
  configuration,
  optionDefaults,
  words,
}: ConfigurationDomain): Router {
  const router = Router();

  /** A route whose answer is made of the CIB, and of what pcs says of it where that is wanted. */
  function fromCib(
    path: string,
    checks: readonly ValidationChain[],
    bodyOf: (from: Configuration, fields: Fields, raw: string | undefined) => unknown,
    wordsOf?: (from: Configuration) => Promise<string>,
  ): void {
    router
      .route(path)
      .get(validate(...checks), async (request: Request, response: Response) => {
        const from = await configuration.get();
        const fields = matchedData<Fields>(request);
        const raw = fields['raw'] === 'false' ? undefined : await wordsOf?.(from);
        answerFromCib(response, from, bodyOf(from, fields, raw), raw);
      })
      .all(allowOnly('GET', 'HEAD'));
  }

  fromCib(
    '/constraint',
    [rawWanted],
    ({ cib }, _fields, raw) => ({ ...listConstraints(cib), ...(raw !== undefined && { raw }) }),
    words.constraints,
  );
  fromCib('/constraint/raw', [], (_from, _fields, raw) => raw, words.constraints);
  fromCib(
    '/constraint/:type',
    [constraintType],
    ({ cib }, { type }) => listConstraints(cib)[constraintTypes[type as ConstraintType]] ?? [],
  );

  fromCib('/resource', [], ({ cib }) => listResources(cib));
  fromCib('/resource/group', [], ({ cib }) => listGroups(cib));
  fromCib('/resource/:name/details', [resourceName('name')], ({ cib }, { name = '' }) => [
    detailsOf(cib, name),
  ]);

  fromCib(
    '/stonith',
    [rawWanted],
    ({ cib }, _fields, raw) => ({ ...(raw !== undefined && { raw }), ...listFencing(cib) }),
    words.fencing,
  );
  fromCib('/stonith/level', [], ({ cib }) => listLevels(cib));

  /** A route about properties; the daemons are asked for the defaults while the CIB is read. */
  function fromProperties(
    path: string,
    checks: readonly ValidationChain[],
    bodyOf: (list: PropertyList, fields: Fields) => unknown,
  ): void {
    router
      .route(path)
      .get(validate(...checks), async (request: Request, response: Response) => {
        const [from, defaults] = await Promise.all([configuration.get(), optionDefaults()]);
        const list = listProperties(from.cib, defaults);
        answerFromCib(response, from, bodyOf(list, matchedData<Fields>(request)));
      })
      .all(allowOnly('GET', 'HEAD'));
  }

  fromProperties('/property', [], (list) => list);
  fromProperties('/property/:name/details', [propertyName('name')], (list, { name = '' }) =>
    propertyDetails(list, name),
  );

  fromCib('/configuration', [], ({ cib }) => ({
    version: cib.version,
    'validate-with': cib.validateWith,
    configuration: cib.configuration,
  }));

  return router;
}

type Fields = Readonly<Record<string, string>>;

const rawWanted = query('raw')
  .optional()
  .custom((value: unknown) => value === 'true' || value === 'false')
  .withMessage('must be "true" or "false"');

const typeNames = [...Object.keys(constraintTypes), 'raw'];
const constraintType = param('type')
  .isIn(Object.keys(constraintTypes))
  .withMessage(`must be one of ${typeNames.join(', ')}`);
