import type { RequestHandler } from 'express';

import type { Family } from '../../server/table/family.ts';
import { type ChangeParts, changeRows } from './change.ts';
import examples from './documents/examples.json' with { type: 'json' };
import { faultSchema, makeAnswerFault } from './errors.ts';
import { byArgument } from './fields/checking.ts';
import { nodeRows, portRows, quotaRows, secretRows } from './ground.ts';
import { listenerRows } from './listeners.ts';
import { loadBalancerRows } from './load-balancers.ts';
import { policyRows } from './policies.ts';
import { poolRows } from './pools.ts';
import { nameAnswers, speakJson } from './sign-in.ts';

export type BalancerParts = ChangeParts;

/**
 * The operator API of load balancers.
 * @param signIn handlers that identify the caller and refuse unknown ones; they admit tokens of tenants
 */
export function balancerFamily(parts: BalancerParts, signIn: readonly RequestHandler[]): Family {
  const { domain, secrets } = parts;
  const changing = changeRows(parts);
  return {
    name: 'balancer',
    title: 'Operator API of load balancers',
    bases: ['/v1'],
    rows: [
      ...loadBalancerRows(domain, changing),
      ...listenerRows(domain, changing),
      ...poolRows(domain, changing),
      ...policyRows(domain, changing),
      ...quotaRows(domain, changing),
      ...portRows(domain, changing),
      ...secretRows(domain, changing),
      ...nodeRows(domain, changing),
    ],
    signIn: [nameAnswers, ...signIn, speakJson],
    security: {
      token: { type: 'apiKey', in: 'header', name: 'X-Auth-Token' },
      bearer: { type: 'http', scheme: 'bearer' },
    },
    checking: byArgument,
    hasEtags: true,
    noSuchRoute: (path) => `There is no ${path}. docs/balancer.md lists the routes.`,
    answerFault: makeAnswerFault(secrets),
    faultSchema,
    codes: [
      'unauthenticated',
      'too_many_attempts',
      'too_many_requests',
      'overloaded',
      'balancer_not_acceptable',
    ],
    examples,
  };
}
