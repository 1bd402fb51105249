import type { TLSSocket } from 'node:tls';

import type { Request, RequestHandler } from 'express';

import { Fault } from '../../kit/fault.ts';
import { setCaller } from '../../server/middleware/authenticate.ts';

/**
 * Names the caller by the client certificate, which the listener has verified.
 * @param accepted the names that are served; undefined for every name
 * Faults: `client_refused`
 */
export function knowClient(accepted?: readonly string[]): RequestHandler {
  return (request, response, next) => {
    const name = clientName(request);
    if (name === undefined) {
      throw new Fault(
        'client_refused',
        'The client certificate has no common name. Use one whose subject has a CN.',
      );
    }
    if (accepted && !accepted.includes(name)) {
      throw new Fault(
        'client_refused',
        `The client certificate is valid, but its name '${name}' is not among the accepted ones. Use another one, or add the name to the configuration of this agent.`,
      );
    }
    // A client certificate stands for the controller, which may do everything.
    setCaller(response, { name, role: 'admin' });
    next();
  };
}

/** The common name in the certificate. A subject may have several, of which the last one is the most specific. */
function clientName(request: Request): string | undefined {
  const certificate = (request.socket as Partial<TLSSocket>).getPeerCertificate?.();
  const subject = certificate?.subject as { CN?: string | string[] } | undefined;
  const name = [subject?.CN ?? []].flat().at(-1);
  return name === '' ? undefined : name;
}
