import type { Request, RequestHandler } from 'express';
import type { ValidationChain, ValidationError } from 'express-validator';

import { Fault, type FaultCode, type FieldError } from '../../kit/fault.ts';
import { typeOf } from '../../kit/type-of.ts';

/**
 * Makes the checks of a request. They are made again for each request, which takes 0.05 ms per chain. Each chain has a
 * hundred methods of its own, and the chains of all routes would permanently take 3 MB of memory.
 */
export type Checks = () => readonly ValidationChain[];

/**
 * Checks a request before its handler. The handler reads `matchedData(request)`, which has only checked values.
 * @param findMore finds further mistakes before a check changes the request
 * @param code the code of the fault
 * Faults: `invalid_request` or another code, with the first error of each field
 */
export function validate(
  checks: Checks,
  findMore: (request: Request) => readonly FieldError[] = () => [],
  code: FaultCode = 'invalid_request',
): RequestHandler {
  return async (request, _response, next) => {
    const more = findMore(request);
    const results = await Promise.all(checks().map((chain) => chain.run(request)));
    const found = results.flatMap((result) => result.array({ onlyFirstError: true }));
    const errors = [...more, ...found.map(fieldErrorOf)];
    if (errors.length > 0) throw invalidRequest(errors, code);
    next();
  };
}

/** The detail names this many fields; `errors` has all. */
const maxNamed = 3;

/** @returns a fault `invalid_request`, or with another code, with all mistakes */
export function invalidRequest(
  errors: readonly FieldError[],
  code: FaultCode = 'invalid_request',
): Fault {
  const named = errors.slice(0, maxNamed).map(({ field, message }) => `'${field}' ${message}`);
  const more = errors.length - named.length;
  const all = [...named, ...(more > 0 ? [`${more} more in 'errors'`] : [])];
  return new Fault(code, `The request is not as documented: ${all.join('; ')}.`, {
    errors,
  });
}

function fieldErrorOf(error: ValidationError): FieldError {
  if (error.type !== 'field') throw new TypeError(`no chain of ours gives "${error.type}"`);
  const expected = String(error.msg);
  // An optional field that is missing has no error.
  const message = error.value === undefined ? `is required and ${expected}` : expected;
  return { field: error.path, message, type: typeOf(error.value) };
}
