import type { RequestHandler } from 'express';

import type { GatewayDomain } from '../../gateway/domain.ts';
import type { KnownSecrets } from '../../kit/secrets/known-secrets.ts';
import { byValidator } from '../../server/table/check.ts';
import type { Family } from '../../server/table/family.ts';
import { type ChangeParts, changeRows } from './change.ts';
import examples from './documents/examples.json' with { type: 'json' };
import { faultSchema, makeAnswerFault } from './errors.ts';
import { gatewayRows, nodeRows } from './gateways.ts';
import { groupRows } from './groups.ts';
import { takeFormsAsJson } from './sign-in.ts';

export interface GatewayParts extends ChangeParts {
  domain: GatewayDomain;
  secrets?: KnownSecrets;
}

/**
 * The admin API of gateways and their keepalived groups.
 * @param signIn handlers that identify the caller and refuse unknown ones
 */
export function gatewayFamily(
  { domain, secrets, ...parts }: GatewayParts,
  signIn: readonly RequestHandler[],
): Family {
  const changing = changeRows(parts);
  return {
    name: 'gateway',
    title: 'Gateway Keepalived Group API',
    bases: ['/admin-api/gateway'],
    rows: [
      ...gatewayRows(domain, changing),
      ...nodeRows(domain, changing),
      ...groupRows(domain, changing),
    ],
    signIn: [...signIn, takeFormsAsJson],
    security: {
      token: { type: 'apiKey', in: 'header', name: 'API-Token' },
      bearer: { type: 'http', scheme: 'bearer' },
    },
    checking: byValidator,
    hasEtags: true,
    noSuchRoute: (path) => `There is no ${path}. docs/gateway.md lists the routes.`,
    answerFault: makeAnswerFault(secrets),
    faultSchema,
    codes: ['unauthenticated', 'too_many_attempts', 'too_many_requests', 'overloaded'],
    examples,
  };
}
