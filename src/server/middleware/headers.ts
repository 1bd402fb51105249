import cors from 'cors';
import type { RequestHandler } from 'express';
import helmet from 'helmet';

/** Headers that only some APIs have. */
export interface OwnHeaders {
  /** In requests. */
  allowed: readonly string[];
  /** In answers. */
  exposed: readonly string[];
}

/**
 * The headers that the contract documents for every answer, and those that protect browsers.
 * @param methods the methods of all routes, which a page of any origin may use
 * @param own what such a page may send and read besides
 */
export function documentedHeaders(
  poweredBy: string,
  methods: readonly string[],
  own: OwnHeaders = { allowed: [], exposed: [] },
): RequestHandler[] {
  return [
    helmet({
      // These two would redirect a console on a LAN from plain HTTP to HTTPS, which it may not have.
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
        ...own.allowed,
      ],
      // By default, a browser shows a page only the most common headers.
      exposedHeaders: [
        'X-Request-Id',
        'ETag',
        'Age',
        'Retry-After',
        'X-HA-Source',
        'X-HA-Warnings',
        'X-HA-Valid',
        ...own.exposed,
      ],
      maxAge: 600,
    }),
  ];
}
