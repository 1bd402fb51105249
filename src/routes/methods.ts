import type { RequestHandler, Router } from 'express';

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

/**
 * A route that changes something, and that the document has a GET for; a client would expect a POST. A HEAD,
 * which Express takes for a GET, changes nothing.
 */
export function byGetOrPost(router: Router, path: string, handlers: RequestHandler[]): void {
  const others = allowOnly('GET', 'POST');
  router.route(path).head(others).get(handlers).post(handlers).all(others);
}
