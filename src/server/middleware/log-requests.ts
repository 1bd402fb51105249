import type { RequestHandler } from 'express';

import type { Log } from '../../kit/log.ts';
import { requestIdIn } from './request-id.ts';

/** One line a request when its answer is out, for whoever turns the log up; what fails says so itself. */
export function logRequests(log: Log): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    const { method, originalUrl } = request;
    response.once('close', () => {
      log.debug(
        {
          request_id: requestIdIn(response),
          method,
          // Not the query, which may hold anything.
          path: originalUrl.split('?')[0],
          status: response.statusCode,
          ms: Math.round(performance.now() - startedAt),
          from: request.socket.remoteAddress,
          complete: response.writableFinished,
        },
        'request',
      );
    });
    next();
  };
}
