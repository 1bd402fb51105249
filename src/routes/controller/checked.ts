import type * as z from 'zod';

import { Fault } from '../../kit/fault.ts';
import { typeOf } from '../../kit/type-of.ts';

/** The value if it has the form. Faults: `invalid_request` with each wrong field, without its value */
export function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = result.error.issues.slice(0, 20).map(({ path, message }) => ({
    field: path.join('.') || 'body',
    message,
    type: typeOf(path.reduce<unknown>(inside, value)),
  }));
  const list = errors.map(({ field, message }) => `${field} ${message}`).join('; ');
  throw new Fault('invalid_request', `The request is not as agreed: ${list}.`, { errors });
}

function inside(value: unknown, key: PropertyKey): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Record<PropertyKey, unknown>)[key]
    : undefined;
}
