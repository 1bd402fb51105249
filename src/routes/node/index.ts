import type { TLSSocket } from 'node:tls';

import type { Express, Request, RequestHandler } from 'express';

import type { ChangePipeline } from '../../changes/pipeline.ts';
import type { Log } from '../../kit/log.ts';
import type { KnownSecrets } from '../../kit/secrets/known-secrets.ts';
import type { NodeDomain } from '../../node/node.ts';
import { setCaller } from '../../server/middleware/authenticate.ts';
import { limitRequests } from '../../server/middleware/limit-requests.ts';
import { byValidator } from '../../server/table/check.ts';
import type { Family } from '../../server/table/family.ts';
import { makeApp } from '../../server/table/serve.ts';
import { ofTools } from '../common/codes.ts';
import { faultSchema, makeAnswerFault } from './errors.ts';
import examples from './examples.json' with { type: 'json' };
import { nodeRows } from './rows.ts';

export interface NodeRouteParts {
  domain: NodeDomain;
  changes: Pick<ChangePipeline, 'make'>;
  log: Log;
  secrets?: KnownSecrets;
}

/** Polls wait for seconds. A controller has one of them at a node. */
const maxRequests = 64;

/** The base path of the node API. */
export const nodeBase = '/node/1.0';

/** The app of a port that serves the node API alone. */
export function makeNodeApp(parts: NodeRouteParts): Express {
  const family = nodeFamily(parts);
  return makeApp({ log: parts.log, families: [family], elsewhere: family });
}

/** The API by which a controller orders this host. */
export function nodeFamily({ domain, changes, log, secrets }: NodeRouteParts): Family {
  return {
    name: 'node',
    title: 'Node API',
    version: '1.0',
    bases: [nodeBase],
    rows: nodeRows({ domain, changes, log }),
    signIn: [knowController, limitRequests(maxRequests)],
    security: { certificate: { type: 'mutualTLS' } },
    checking: byValidator,
    noSuchRoute: (path) => `There is no ${path} in the API of a node.`,
    answerFault: makeAnswerFault(secrets),
    faultSchema,
    codes: ['too_many_requests', 'overloaded', ...ofTools],
    examples,
  };
}

/** The listener has verified the certificate: whoever has one of the controller's CA for clients is the controller. */
const knowController: RequestHandler = (request, response, next) => {
  setCaller(response, { name: clientName(request) ?? 'controller', role: 'admin' });
  next();
};

function clientName(request: Request): string | undefined {
  const certificate = (request.socket as Partial<TLSSocket>).getPeerCertificate?.();
  const subject = certificate?.subject as { CN?: string | string[] } | undefined;
  return [subject?.CN ?? []].flat().at(-1);
}
