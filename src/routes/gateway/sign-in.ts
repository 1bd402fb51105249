import type { RequestHandler } from 'express';

import { bearer, type TokenPlace } from '../../server/middleware/authenticate.ts';

/** The header of the document. A token after "Bearer" counts too. */
export const apiToken: TokenPlace = {
  name: 'API-Token',
  read: (request) => request.get('API-Token') ?? bearer.read(request),
};

/**
 * Reads a body as JSON if its client did not say what it is. The document's own calls are such: curl sends `-d` as a form
 * by default. No page of another site can send these, because they need the header with the token.
 */
export const takeFormsAsJson: RequestHandler = (request, _response, next) => {
  const type = request.headers['content-type'];
  if (type === undefined || /^application\/x-www-form-urlencoded\b/i.test(type)) {
    request.headers['content-type'] = 'application/json';
  }
  next();
};
