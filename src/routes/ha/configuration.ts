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

  /** A route whose answer is made of the CIB alone, or of that and what is read beside it. */
  function fromCib(
    path: string,
    checks: readonly ValidationChain[],
    bodyOf: (from: Configuration, fields: Record<string, string>) => unknown,
  ): void {
    router
      .route(path)
      .get(validate(...checks), async (request: Request, response: Response) => {
        const from = await configuration.get();
        const fields = matchedData<Record<string, string>>(request);
        answerFromCib(response, from, await bodyOf(from, fields));
      })
      .all(allowOnly('GET', 'HEAD'));
  }

  fromCib('/constraint', [raw], async (from, fields) => ({
    ...listConstraints(from.cib),
    ...(wantsRaw(fields) && { raw: await words.constraints(from) }),
  }));
  fromCib('/constraint/:type', [constraintType], async (from, { type }) =>
    type === 'raw'
      ? words.constraints(from)
      : (listConstraints(from.cib)[constraintTypes[type as ConstraintType]] ?? []),
  );

  fromCib('/resource', [], ({ cib }) => listResources(cib));
  fromCib('/resource/group', [], ({ cib }) => listGroups(cib));
  fromCib('/resource/:name/details', [resourceName('name')], ({ cib }, { name = '' }) => [
    detailsOf(cib, name),
  ]);

  fromCib('/stonith', [raw], async (from, fields) => ({
    ...(wantsRaw(fields) && { raw: await words.fencing(from) }),
    ...listFencing(from.cib),
  }));
  fromCib('/stonith/level', [], ({ cib }) => listLevels(cib));

  fromCib('/property', [], async ({ cib }) => listProperties(cib, await optionDefaults()));
  fromCib('/property/:name/details', [propertyName('name')], async ({ cib }, { name = '' }) =>
    propertyDetails(listProperties(cib, await optionDefaults()), name),
  );

  fromCib('/configuration', [], ({ cib }) => ({
    version: cib.version,
    'validate-with': cib.validateWith,
    configuration: cib.configuration,
  }));

  return router;
}

const raw = query('raw')
  .optional()
  .custom((value: unknown) => value === 'true' || value === 'false')
  .withMessage('must be "true" or "false"');

function wantsRaw({ raw: asked }: Record<string, string>): boolean {
  return asked !== 'false';
}

const typeNames = [...Object.keys(constraintTypes), 'raw'];
const constraintType = param('type')
  .isIn(typeNames)
  .withMessage(`must be one of ${typeNames.join(', ')}`);
