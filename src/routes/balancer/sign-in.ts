import type { RequestHandler } from 'express';

import { Fault } from '../../kit/fault.ts';
import { bearer, type TokenPlace } from '../../server/middleware/authenticate.ts';
import { requestIdIn } from '../../server/middleware/request-id.ts';

/** The header of this agent's other APIs, or that of the documented one. A token after "Bearer" counts too. */
export const operatorToken: TokenPlace = {
  name: 'X-Auth-Token',
  read: (request) => request.get('X-Auth-Token') ?? request.get('token') ?? bearer.read(request),
};

/** Names the request in each answer, as the documented API does. */
export const nameAnswers: RequestHandler = (_request, response, next) => {
  const id = requestIdIn(response);
  response.set('x-openstack-request-id', id.startsWith('req-') ? id : `req-${id}`);
  next();
};

/**
 * Refuses requests that are not JSON, and those whose clients read no JSON.
 * Faults: `unsupported_media_type`, `balancer_not_acceptable`
 */
export const speakJson: RequestHandler = (request, _response, next) => {
  if (request.accepts('application/json') === false) {
    throw new Fault(
      'balancer_not_acceptable',
      'The answer is offered as application/json only. Send no Accept, or one that includes it.',
    );
  }
  const hasBody =
    request.get('Transfer-Encoding') !== undefined || Number(request.get('Content-Length')) > 0;
  if (request.method !== 'GET' && hasBody && request.is('application/json') === false) {
    const [type = ''] = (request.get('Content-Type') ?? '').split(';');
    throw new Fault('unsupported_media_type', `Unknown mimetype: ${type.trim().slice(0, 255)}`);
  }
  next();
};
