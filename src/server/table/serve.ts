import { type Request, type RequestHandler, type Response, Router } from 'express';

import { Fault } from '../../errors.ts';
import { auditedRequest, callerIn, requireRole } from '../middleware/authenticate.ts';
import { changeBody, jsonBody } from '../middleware/json-body.ts';
import { whenOver, workOn } from '../middleware/under-way.ts';
import { validate } from '../middleware/validate.ts';
import { checksOf, valuesIn } from './field.ts';
import { inOrder } from './order.ts';
import { unknownFields } from './unknown-fields.ts';
import { type Call, methods, type Reply, type Row } from './row.ts';

/**
 * Serves rows. A literal segment of a path goes before a parameter, whatever their order here.
 * @throws an Error if two rows are for the same requests
 */
export function serveRows(rows: readonly Row[]): Router {
  const router = Router();
  const strict = Router({ strict: true });
  for (const sharing of inOrder(rows)) {
    const allowed = allowedBy(sharing);
    const refuse = refuseOthers(allowed);
    for (const each of sharing) {
      const on = each.isStrict ? strict : router;
      // Express takes a HEAD for a GET.
      if (each.isChange && each.methods.includes('GET')) on.head(each.path, refuse);
      for (const method of each.methods) {
        on[lowerCase[method]](each.path, handlersOf(each));
      }
      if (each.isStrict) router.use(strict);
    }
    if (!sharing.some(({ isOpen }) => isOpen)) router.all(sharing[0]?.path ?? '', refuse);
  }
  return router;
}

const lowerCase = {
  GET: 'get',
  POST: 'post',
  PUT: 'put',
  DELETE: 'delete',
  PATCH: 'patch',
} as const;

/** The methods of one path, in the order of `Allow`. */
export function allowedBy(rows: readonly Row[]): string[] {
  const found = methods.filter((method) => rows.some((each) => each.methods.includes(method)));
  const hasHead = rows.some((each) => !each.isChange && each.methods.includes('GET'));
  return found.flatMap((method) => (method === 'GET' && hasHead ? ['GET', 'HEAD'] : [method]));
}

/** Faults: `method_not_allowed` */
function refuseOthers(allowed: readonly string[]): RequestHandler {
  return (request, response) => {
    response.set('Allow', allowed.join(', '));
    throw new Fault(
      'method_not_allowed',
      `${request.method} is not allowed here. Use ${allowed.join(' or ')}.`,
    );
  };
}

function handlersOf(served: Row): RequestHandler[] {
  const { role, fields, isChange, begin, handle } = served;
  const hasBody = isChange || Object.values(fields).some(({ place }) => place === 'body');
  return [
    requireRole(role),
    ...(hasBody ? [readBody(isChange ? changeBody : jsonBody)] : []),
    (request, response, next) => {
      // As they came: the checks put defaults and texts into the request's own.
      response.locals['call'] = callOf(request, response);
      begin?.(callIn(response));
      next();
    },
    validate(
      () => checksOf(fields),
      (request) => unknownFields(served, request),
    ),
    async (request, response) => {
      send(response, await handle(valuesIn(request, fields), callIn(response)));
    },
  ];
}

/** What clients send with a documented GET stays unread. */
function readBody(read: RequestHandler): RequestHandler {
  return (request, response, next) => {
    if (request.method === 'GET') next();
    else read(request, response, next);
  };
}

function callOf(request: Request, response: Response): Call {
  return {
    method: request.method,
    url: request.originalUrl,
    header: (name) => request.get(name),
    body: { ...(request.body as Record<string, unknown> | undefined) },
    checkedBody: () => request.body as unknown,
    params: { ...request.params },
    caller: callerIn(response),
    audited: auditedRequest(request, response),
    workOn: (work) => workOn(response, work),
    whenOver: (release) => {
      whenOver(response, release);
    },
  };
}

function callIn(response: Response): Call {
  return response.locals['call'] as Call;
}

function send(response: Response, { status = 200, headers = {}, body, text, isOnce }: Reply): void {
  const json = text ?? (body === undefined ? '' : JSON.stringify(body));
  response.status(status).set('Content-Type', 'application/json; charset=utf-8');
  if (isOnce) response.set('Cache-Control', 'no-store');
  response.set(headers);
  // send() adds an ETag, and answers 304 to who has it.
  if (isOnce) response.end(json);
  else response.send(json);
}
