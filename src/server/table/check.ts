import type { Request, RequestHandler } from 'express';
import { body, matchedData, param, query, type ValidationChain } from 'express-validator';

import { validate } from '../middleware/validate.ts';
import type { Fields, Place, ValuesOf } from './field.ts';
import type { Row } from './row.ts';
import { unknownFields } from './unknown-fields.ts';

/** How the fields of a family's routes are checked, and how their values are read. */
export interface Checking {
  /** Faults: `invalid_request` */
  check: (served: Row) => RequestHandler;
  /** The values of a checked request. */
  valuesIn: <F extends Fields>(request: Request, fields: F) => ValuesOf<F>;
}

/**
 * Checks with express-validator. The validator takes 8 MB, so only processes with fields in their routes import this
 * file.
 */
export const byValidator: Checking = {
  check: (served) =>
    validate(
      () => checksOf(served.fields),
      (request) => unknownFields(served, request),
      served.refusal,
    ),
  valuesIn,
};

const chains = { path: param, query, body } as const;
const locations = { path: 'params', query: 'query', body: 'body' } as const;

/**
 * The checks of express-validator. They are made for each request, because each has a hundred methods and all of them
 * would permanently take 3 MB.
 */
export function checksOf(fields: Fields): ValidationChain[] {
  return Object.entries(fields).map(([key, { place, isOptional, check, name = key }]) => {
    const chain = chains[place](name);
    return check(isOptional ? chain.optional() : chain);
  });
}

function valuesIn<F extends Fields>(request: Request, fields: F): ValuesOf<F> {
  const found = new Map<Place, Record<string, unknown>>();
  const at = (place: Place) => {
    const known = found.get(place);
    if (known) return known;
    const values = matchedData(request, { locations: [locations[place]] });
    found.set(place, values);
    return values;
  };
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([key, { place, name = key }]) => name in at(place))
      .map(([key, { place, name = key }]) => [key, at(place)[name]]),
  ) as ValuesOf<F>;
}
