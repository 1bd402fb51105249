import type { Request, RequestHandler, Response } from 'express';

import type { AuditedRequest } from '../../changes/audit/audit.ts';
import type { GuessBrake } from '../../access/guess-brake.ts';
import { type Role, roleAllows } from '../../access/roles.ts';
import { isToken, type TokenStore } from '../../access/tokens.ts';
import { Fault } from '../../kit/fault.ts';
import { requestIdIn } from './request-id.ts';
import type { CallerConnections } from '../connections/connections.ts';

/** The caller of a request, known after `authenticate`. */
export interface Caller {
  name: string;
  role: Role;
  /** The tenant to which the caller is bound; undefined for none. */
  tenant?: string | undefined;
}

/**
 * For the Unix socket. Its folder and mode admit only root, so every caller is root. The listener of a call is known from
 * the server, never from the connection: Node.js returns no address of a connection that was reset.
 */
export const trustAsRoot: RequestHandler = (_request, response, next) => {
  setCaller(response, { name: 'root', role: 'admin' });
  next();
};

/**
 * Admits callers with a valid token.
 * @param place where a request has its token
 * @param connections notified about connections on which a valid token was shown
 * @param takesTenants whether tokens that are bound to a tenant are admitted; only routes that know tenants may say so
 * Faults: `unauthenticated`, `role_required`, `too_many_attempts`, `too_many_requests`
 */
export function authenticate(
  tokens: TokenStore,
  brake: GuessBrake,
  connections: CallerConnections,
  place: TokenPlace = tokenHeader,
  takesTenants = false,
): RequestHandler {
  return async (request, response, next) => {
    const token = place.read(request);
    const caller = token === undefined ? undefined : await tokens.find(token);
    if (caller === undefined) {
      connections.unauthenticated(request.socket);
      await brake.wrongToken(request.socket.remoteAddress ?? '');
      throw new Fault('unauthenticated', whyUnknown(token, place));
    }
    if (!connections.authenticated(request.socket, caller.name)) {
      // A connection above the limit is closed and leaves nothing behind.
      response.set('Connection', 'close');
      throw new Fault(
        'too_many_requests',
        `The maximum number of connections with requests under way is reached, for the token '${caller.name}' or in total. Nothing was done; try again in a few seconds, over fewer connections.`,
        { retryAfterSeconds: 5 },
      );
    }
    if (caller.tenant !== undefined && !takesTenants) {
      throw new Fault(
        'role_required',
        `The token '${caller.name}' is bound to a tenant, so it is for load balancers only. Use a token that is bound to none.`,
      );
    }
    setCaller(response, caller);
    next();
  };
}

/** A token does not show which node issued it. So a token of another node looks like a revoked one. */
function whyUnknown(token: string | undefined, { name }: TokenPlace): string {
  const make = "Make one on this node with 'hactl token create NAME --role viewer'.";
  if (token === undefined || token === '') return `The header '${name}' is missing. ${make}`;
  return isToken(token)
    ? `This node does not know the token. A token is valid only on the node that issued it: it is another node's, or was revoked here, or has expired. ${make}`
    : `The header '${name}' does not hold a token: 64 hexadecimal digits, as 'hactl token create' prints them. ${make}`;
}

/** The place of the token in a request. */
export interface TokenPlace {
  /** The name of the header, for messages. */
  name: string;
  read: (request: Request) => string | undefined;
}

/** The header in the contract of the High Availability API. */
export const tokenHeader: TokenPlace = { name: 'token', read: (request) => request.get('token') };

/** The header of RFC 6750, which Prometheus sends. */
export const bearer: TokenPlace = {
  name: 'Authorization: Bearer',
  read: (request) => /^Bearer +(\S+)$/i.exec(request.get('Authorization') ?? '')?.[1],
};

/** Faults: `role_required` */
export function requireRole(needed: Role): RequestHandler {
  return (_request, response, next) => {
    const { name, role } = callerIn(response);
    if (!roleAllows(role, needed)) {
      throw new Fault(
        'role_required',
        `The token '${name}' has the role ${role}; this route needs ${needed}.`,
      );
    }
    next();
  };
}

/** Sets the caller for later handlers. */
export function setCaller(response: Response, caller: Caller): void {
  response.locals['caller'] = caller;
}

/** Returns the fields of a request for the audit log. Only for handlers after `authenticate`. */
export function auditedRequest(request: Request, response: Response): AuditedRequest {
  const { name, role } = callerIn(response);
  const from = request.socket.remoteAddress;
  return {
    caller: name,
    role,
    method: request.method,
    route: request.baseUrl + request.path,
    request_id: requestIdIn(response),
    ...(from !== undefined && { from }),
  };
}

/** Returns the caller. Only for handlers after `authenticate`. */
export function callerIn(response: Response): Caller {
  return response.locals['caller'] as Caller;
}
