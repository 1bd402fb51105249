import cors from 'cors';
import type { RequestHandler } from 'express';
import helmet from 'helmet';

/**
 * The headers that the contract documents on every answer, and those that keep a browser safe.
 * @param methods of all routes, which a page of any origin may use
 */
export function documentedHeaders(poweredBy: string, methods: readonly string[]): RequestHandler[] {
  return [
    helmet({
      // These two would turn a console on a LAN, reached by plain HTTP, to HTTPS that it has not got.
      strictTransportSecurity: false,
      contentSecurityPolicy: { directives: { 'upgrade-insecure-requests': null } },
      xPoweredBy: false,
    }),
    (_request, response, next) => {
      response.set('X-Powered-By', poweredBy);
      next();
    },
    cors({
      origin: '*',
      methods: [...methods],
      allowedHeaders: [
        'Content-Type',
        'token',
        'If-None-Match',
        'If-Match',
        'Idempotency-Key',
        'X-HA-Confirm',
        'X-Request-Id',
      ],
      // A browser shows a page none of its own accord but the commonest.
      exposedHeaders: [
        'X-Request-Id',
        'ETag',
        'Age',
        'Retry-After',
        'X-HA-Source',
        'X-HA-Warnings',
        'X-HA-Valid',
      ],
      maxAge: 600,
    }),
  ];
}
