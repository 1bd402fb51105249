import type { RequestHandler } from 'express';

import { Fault } from '../errors.ts';

/**
 * Ends a route's chain: any method not handled before it is not allowed there.
 * Faults: `method_not_allowed`
 */
export function allowOnly(...methods: readonly string[]): RequestHandler {
  return (request, response) => {
    response.set('Allow', methods.join(', '));
    throw new Fault(
      'method_not_allowed',
      `${request.method} is not allowed here. Use ${methods.join(' or ')}.`,
    );
  };
}
