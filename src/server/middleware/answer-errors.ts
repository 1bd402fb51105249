import type { ErrorRequestHandler, Request, Response } from 'express';

import { Fault, noSpaceOf } from '../../kit/fault.ts';
import { makeLogLimit } from '../../kit/log-limit.ts';
import type { Log } from '../../kit/log.ts';
import { requestIdIn } from './request-id.ts';

/** An error in a family's own shape. */
export interface FaultAnswer {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string;
  /** Whether it is a failure of ours, of which the journal has a line. */
  isFailure: boolean;
}

export type AnswerFault = (fault: Fault) => FaultAnswer;

// A UI polls: one line a minute tells as much as sixty.
const repeatAfterMs = 60_000;

/**
 * Turns whatever a route throws into an answer. What a caller did wrong is the caller's to read; what
 * went wrong here goes to the log, each kind of fault once a minute, and a bug always.
 */
export function answerErrors(log: Log, answerFault: AnswerFault): ErrorRequestHandler {
  const isDue = makeLogLimit({ repeatAfterMs });

  function logFailure(request_id: string, path: string, { code, message, command }: Fault): void {
    // Not the path, of which a caller can make up any number that lead to one route.
    if (!isDue(`${code} ${command?.argv[0] ?? ''}`)) return;
    log.warn({ request_id, path, code, detail: message, ...command }, 'request failed');
  }

  /** @returns whether it is a failure of ours */
  function send(response: Response, fault: Fault): boolean {
    const { status, headers, body, isFailure } = answerFault(fault);
    // Not response.send(), which would add an ETag.
    response.status(status).set(headers).end(body);
    return isFailure;
  }

  return (thrown: unknown, request, response, next) => {
    if (response.headersSent) {
      next(thrown);
      return;
    }
    const error = noSpaceOf(thrown) ?? thrown;
    if (error instanceof Fault) {
      if (error.retryAfterSeconds !== undefined)
        response.set('Retry-After', `${error.retryAfterSeconds}`);
      if (send(response, error)) {
        logFailure(requestIdIn(response), pathOf(request), error);
      }
    } else if (error instanceof URIError) {
      // Express itself refuses a path that cannot be decoded, with a status of its own.
      const detail = 'The path is not a valid percent-encoded URL.';
      send(response, new Fault('route_not_found', detail));
    } else {
      const { method } = request;
      const request_id = requestIdIn(response);
      log.error({ request_id, method, path: pathOf(request), error: describe(error) }, 'bug');
      send(response, bug());
    }
  };
}

function pathOf({ baseUrl, path }: Request): string {
  return baseUrl + path;
}

function bug(): Fault {
  return new Fault(
    'internal_error',
    "This is a bug of ha-agent. The journal ('journalctl -u ha-agent') has the details; please report them.",
  );
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
