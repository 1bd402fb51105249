import { randomUUID } from 'node:crypto';

import type { RequestHandler, Response } from 'express';

/** Printable and without blanks, so that it is one word in any log. */
const givenId = /^[\x21-\x7e]{1,128}$/;

/**
 * Gives each request an id, which its caller, the journal and the audit log share. A caller may choose it:
 * `X-Request-Id`, up to 128 printable characters.
 */
export const nameRequests: RequestHandler = (request, response, next) => {
  const given = request.get('X-Request-Id') ?? '';
  const id = givenId.test(given) ? given : randomUUID();
  response.locals['requestId'] = id;
  response.set('X-Request-Id', id);
  next();
};

/** The id that `nameRequests` gave. */
export function requestIdIn(response: Response): string {
  return response.locals['requestId'] as string;
}
