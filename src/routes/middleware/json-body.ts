import express, { type RequestHandler } from 'express';

import { Fault } from '../../errors.ts';

// Not inflated: a compressed body may be a thousand times as large as it looks.
const parse: RequestHandler = express.json({ limit: '1mb', inflate: false });

/**
 * Reads the JSON body of a request. Only for routes that need one: what clients send with a GET stays
 * unread.
 * Faults: `invalid_request`, `body_too_large`, `unsupported_media_type`
 */
export const jsonBody: RequestHandler = (request, response, next) => {
  const isEmpty = request.get('Content-Length') === '0';
  if (!isEmpty && request.is('application/json') === false) throw unsupportedMediaType();
  parse(request, response, (error: unknown) => {
    next(error === undefined ? undefined : faultOf(error));
  });
};

/** In words of our own, for those of the parser quote the body, which may hold a secret. */
function faultOf(error: unknown): unknown {
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  switch (status) {
    case 400:
      return new Fault(
        'invalid_request',
        'The body is not valid JSON, or was cut short. Send one JSON object.',
        { errors: [{ field: 'body', message: 'must be a JSON object', type: 'string' }] },
      );
    case 413:
      return new Fault('body_too_large', 'The body is larger than 1 MiB. Send less at once.');
    // Another charset, or compressed.
    case 415:
      return unsupportedMediaType();
    default:
      return error;
  }
}

function unsupportedMediaType(): Fault {
  return new Fault(
    'unsupported_media_type',
    "The body must be JSON in UTF-8, not compressed, with 'Content-Type: application/json'.",
  );
}
