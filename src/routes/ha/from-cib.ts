import type { RequestHandler } from 'express';
import { matchedData, query } from 'express-validator';

import type { Configuration, ConfigurationReader } from '../../cluster/configuration.ts';
import { type Checks, validate } from '../../server/middleware/validate.ts';
import { answerFromCib } from './answer.ts';

/** What the routes need that answer from the CIB's configuration. */
export interface ConfigurationDomain {
  configuration: ConfigurationReader;
}

export type Fields = Readonly<Record<string, string>>;

/** Handlers of a GET whose answer is made of the CIB, and of what pcs says of it where that is wanted. */
export type FromCib = (
  checks: Checks,
  bodyOf: (from: Configuration, fields: Fields, raw: string | undefined) => unknown,
  wordsOf?: (from: Configuration) => Promise<string>,
) => RequestHandler[];

export function cibHandlers({ configuration }: ConfigurationDomain): FromCib {
  return (checks, bodyOf, wordsOf) => [
    validate(checks),
    async (request, response) => {
      const from = await configuration.get();
      const fields = matchedData<Fields>(request);
      const raw = fields['raw'] === 'false' ? undefined : await wordsOf?.(from);
      answerFromCib(response, from, bodyOf(from, fields, raw), raw);
    },
  ];
}

/** Whether pcs's words are wanted. */
export const rawWanted: Checks = () => [
  query('raw')
    .optional()
    .custom((value: unknown) => value === 'true' || value === 'false')
    .withMessage('must be "true" or "false"'),
];

export const nothing: Checks = () => [];
