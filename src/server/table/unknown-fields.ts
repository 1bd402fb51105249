import type { Request } from 'express';
import { closest, distance } from 'fastest-levenshtein';

import type { FieldError } from '../../kit/fault.ts';
import { typeOf } from '../../kit/type-of.ts';
import type { Place } from './field.ts';
import type { Row } from './row.ts';

/** A name that differs in more characters was probably not meant. */
const maxDistance = 3;
/** jQuery adds this to each GET, so that no cache answers. */
const cacheBuster = '_';

/**
 * The fields of a change that it does not use. Without this check, a typo would do nothing, or something else, and
 * answer 200. A name in the path may also be in the body, if it is the same.
 */
export function unknownFields(
  { isChange, takesAll, fields, body: reader }: Row,
  request: Request,
): FieldError[] {
  if (!isChange) return [];
  const namesAt = (place: Place) =>
    Object.entries(fields)
      .filter(([, field]) => field.place === place)
      .map(([key, { name = key }]) => name);
  // Bytes have no fields.
  const hasNone = takesAll || typeof reader === 'object' || request.method === 'GET';
  const body = hasNone ? {} : (request.body as object | undefined);
  const sameInPath = ([name, value]: [string, unknown]) => request.params[name] === value;
  return [
    ...Object.entries(body ?? {})
      .filter((each) => !sameInPath(each))
      .flatMap(([name, value]) => unknownIn(namesAt('body'), name, value)),
    ...Object.entries(request.query)
      .filter(([name]) => name !== cacheBuster)
      .flatMap(([name, value]) => unknownIn(namesAt('query'), name, value)),
  ];
}

function unknownIn(known: readonly string[], field: string, value: unknown): FieldError[] {
  if (known.includes(field)) return [];
  const nearest = known.length > 0 ? closest(field, known) : undefined;
  const isNear = nearest !== undefined && distance(field, nearest) <= maxDistance;
  const hint = isNear ? `; perhaps '${nearest}' is meant` : '';
  const name = field.slice(0, 100);
  return [{ field: name, message: `is not a field of this request${hint}`, type: typeOf(value) }];
}
