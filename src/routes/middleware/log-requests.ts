import type { RequestHandler } from 'express';

import type { Log } from '../../log.ts';

/** One line a request when its answer is out. Refused and failed ones are worth reading in the journal. */
export function logRequests(log: Log): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    const { method, originalUrl } = request;
    response.once('close', () => {
      const { statusCode } = response;
      const line = {
        method,
        url: originalUrl,
        status: statusCode,
        ms: Math.round(performance.now() - startedAt),
        from: request.socket.remoteAddress,
        complete: response.writableFinished,
      };
      // Whoever guesses tokens could fill the journal; the brake on guesses writes a line of its own.
      const isGuess = statusCode === 401 || statusCode === 429;
      if (statusCode >= 500) log.error(line, 'request');
      else if (statusCode >= 400 && !isGuess) log.info(line, 'request');
      else log.debug(line, 'request');
    });
    next();
  };
}
