import express, {
  type Express,
  type Request,
  type RequestHandler,
  type Response,
  Router,
} from 'express';

import { Fault } from '../../kit/fault.ts';
import { bufferReads } from '../../kit/files/buffered-reads.ts';
import type { Log } from '../../kit/log.ts';
import { answerErrors } from '../middleware/answer-errors.ts';
import { auditedRequest, callerIn, requireRole } from '../middleware/authenticate.ts';
import { changeBody, jsonBody, rawBody } from '../middleware/json-body.ts';
import { nameRequests, requestIdIn } from '../middleware/request-id.ts';
import { logRequests } from '../middleware/log-requests.ts';
import { whenOver, workOn } from '../middleware/under-way.ts';
import { bodyReaderOf } from './codes.ts';
import type { Family } from './family.ts';
import { setServedBy } from '../served-by.ts';
import { inOrder } from './order.ts';
import { type Call, methods, type Reply, type Row } from './row.ts';

export interface AppParts {
  log: Log;
  families: readonly Family[];
  /** Run for each request, before any family. */
  before?: readonly RequestHandler[];
  /** The family that answers for unknown paths. It requires sign-in, and has no such route. */
  elsewhere: Family;
}

/**
 * The Express app of the families. It does not listen.
 * @throws {Error} if two rows are for the same requests
 */
export function makeApp(parts: AppParts): Express {
  const { log, families, before = [], elsewhere } = parts;
  const app = express();
  // The agent sets this header itself, or not at all.
  app.disable('x-powered-by');
  app.set('etag', 'strong');
  // This lets tests see what an app serves.
  app.set('families', families);

  app.use(nameRequests, logRequests(log));
  if (before.length > 0) app.use([...before]);
  const bases = families.flatMap((family) => family.bases.map((base) => ({ base, family })));
  // Routes without sign-in may be below the base path of routes with sign-in. Longer base paths come first, because the
  // root would match everything below it.
  const rank = ({ base, family }: (typeof bases)[number]) =>
    family.signIn.length === 0 ? Infinity : base.length;
  for (const { base, family } of bases.sort((a, b) => rank(b) - rank(a))) {
    const handlers = [...family.signIn, serveRows(family, log)];
    const onError = answerErrors(log, family.answerFault);
    // The families at the root come one after another.
    if (base === '') app.use(...handlers, onError);
    else app.use(base, ...handlers, notFoundIn(family), onError);
  }
  app.use(...elsewhere.signIn, notFoundIn(elsewhere), answerErrors(log, elsewhere.answerFault));
  return app;
}

function notFoundIn({ noSuchRoute }: Family): RequestHandler {
  return (request) => {
    throw new Fault('route_not_found', noSuchRoute(request.baseUrl + request.path));
  };
}

/** Serves rows. A literal segment of a path goes before a parameter, whatever the order of the rows. */
function serveRows(family: Family, log: Log): Router {
  const router = Router();
  for (const sharing of inOrder(family.rows)) {
    const refuse = refuseOthers(sharing);
    for (const each of sharing) {
      const on = each.isStrict ? Router({ strict: true }) : router;
      // Express treats a HEAD as a GET.
      if (each.isChange && each.methods.includes('GET')) on.head(each.path, refuse);
      for (const method of each.methods) {
        on[lowerCase[method]](each.path, handlersOf(each, family, log));
      }
      if (on !== router) router.use(on);
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
function refuseOthers(rows: readonly Row[]): RequestHandler {
  return (request, response) => {
    // With a slash at the end, a strict path is another path.
    const isHere = ({ isStrict }: Row) => !(isStrict && request.path.endsWith('/'));
    const allowed = allowedBy(rows.filter(isHere));
    response.set('Allow', allowed.join(', '));
    throw new Fault(
      'method_not_allowed',
      `${request.method} is not allowed here. ${allowed.length > 0 ? `Use ${allowed.join(' or ')}.` : 'No method is.'}`,
    );
  };
}

function handlersOf(
  served: Row,
  { name, checking, hasEtags = false }: Family,
  log: Log,
): RequestHandler[] {
  const { role, begin, handle, fields, isChange } = served;
  const read = readerOf(served);
  return [
    (_request, response, next) => {
      setServedBy(response, { family: name, route: served.path });
      next();
    },
    ...(role === 'anyone' ? [] : [requireRole(role)]),
    ...(read ? [readBody(read)] : []),
    (request, response, next) => {
      // The body as it was sent, because checks write defaults and converted values into the request itself.
      response.locals['call'] = callOf(request, response);
      begin?.(callIn(response));
      next();
    },
    ...(checking ? [checking.check(served)] : []),
    async (request, response) => {
      const values = checking?.valuesIn(request, fields) ?? {};
      const call = callIn(response);
      const reply = await handle(values, call);
      if (isChange && !reply.isDryRun) logChange(log, call, response, reply);
      send(response, reply, hasEtags);
    },
  ];
}

/** Logs each change at the default level, so that the journal shows who changed what. */
function logChange(log: Log, call: Call, response: Response, { status = 200 }: Reply): void {
  const { caller, method, route, from } = call.audited();
  log.info({ request_id: requestIdIn(response), caller, method, route, status, from }, 'change');
}

/** Returns the reader of the request's body; undefined if no body is expected, or if the route reads it itself. */
function readerOf(served: Row): RequestHandler | undefined {
  const reader = bodyReaderOf(served);
  if (typeof reader === 'object') return rawBody(reader.maxBytes);
  return reader && { change: changeBody, json: jsonBody }[reader];
}

/** A body in a documented GET stays unread. */
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
    from: request.socket.remoteAddress ?? 'unknown address',
    headers: request.headers,
    header: (name) => request.get(name),
    // Bytes would become an object with a field for each byte.
    body: Buffer.isBuffer(request.body)
      ? {}
      : { ...(request.body as Record<string, unknown> | undefined) },
    checkedBody: () => request.body as unknown,
    raw: () => (Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)),
    bytes: () => bufferReads(request),
    params: { ...request.params },
    caller: () => callerIn(response),
    audited: () => auditedRequest(request, response),
    workOn: (work) => workOn(response, work),
    whenOver: (release) => {
      whenOver(response, release);
    },
  };
}

function callIn(response: Response): Call {
  return response.locals['call'] as Call;
}

function send(
  response: Response,
  { status = 200, headers = {}, body, text, isOnce, hasNoType }: Reply,
  hasEtags: boolean,
): void {
  const json = text ?? (body === undefined ? '' : JSON.stringify(body));
  response.status(status);
  if (!hasNoType) response.set('Content-Type', 'application/json; charset=utf-8');
  if (isOnce) response.set('Cache-Control', 'no-store');
  response.set(headers);
  // send() adds an ETag, and answers 304 to a client that has it.
  if (isOnce || !hasEtags) response.end(json);
  else response.send(json);
}
