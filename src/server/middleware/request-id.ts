import { randomUUID } from 'node:crypto';

import type { RequestHandler, Response } from 'express';

/** Printable, without a blank, so that it is one word in any log. */
const givenId = /^[\x21-\x7e]{1,128}$/;

/**
 * Names each request, so that its caller, the journal and the audit log mean the same one. A caller may give the name:
 * `X-Request-Id`, up to 128 printable characters.
 */
export const nameRequests: RequestHandler = (request, response, next) => {
  const given = request.get('X-Request-Id') ?? '';
  const id = givenId.test(given) ? given : randomUUID();
  response.locals['requestId'] = id;
  response.set('X-Request-Id', id);
  next();
};

/** What `nameRequests` called it. */
export function requestIdIn(response: Response): string {
  return response.locals['requestId'] as string;
}
