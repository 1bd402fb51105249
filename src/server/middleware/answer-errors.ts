import type { ErrorRequestHandler, Request, Response } from 'express';

import { Fault, noSpaceOf } from '../../kit/fault.ts';
import { makeLogLimit } from '../../kit/log-limit.ts';
import type { Log } from '../../kit/log.ts';
import { requestIdIn } from './request-id.ts';

/** An error in the format of a family. */
export interface FaultAnswer {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string;
  /** Whether it is an internal failure, which the journal records. */
  isFailure: boolean;
}

export type AnswerFault = (fault: Fault) => FaultAnswer;

// A UI polls, and one line a minute has the same information as sixty.
const repeatAfterMs = 60_000;

/**
 * Turns everything that a route throws into an answer. Only the caller reads about a mistake in the request. A failure
 * of the agent is also logged, each kind once a minute, and a bug each time.
 */
export function answerErrors(log: Log, answerFault: AnswerFault): ErrorRequestHandler {
  const isDue = makeLogLimit({ repeatAfterMs });

  function logFailure(request_id: string, path: string, { code, message, command }: Fault): void {
    // The path is not used, because a caller can invent any number of paths for one route.
    if (!isDue(`${code} ${command?.argv[0] ?? ''}`)) return;
    log.warn({ request_id, path, code, detail: message, ...command }, 'request failed');
  }

  /** @returns whether it is an internal failure */
  function send(response: Response, fault: Fault): boolean {
    const { status, headers, body, isFailure } = answerFault(fault);
    // response.send() would add an ETag.
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
