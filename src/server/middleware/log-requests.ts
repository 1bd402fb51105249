import type { RequestHandler } from 'express';

import type { Log } from '../../kit/log.ts';
import { requestIdIn } from './request-id.ts';

/** Logs one line at the level `debug` for each completed answer. Failures are logged elsewhere. */
export function logRequests(log: Log): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    const { method, originalUrl } = request;
    response.once('close', () => {
      log.debug(
        {
          request_id: requestIdIn(response),
          method,
          // The query is left out, because it may contain anything.
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
