import { Router } from 'express';

import type { CheckReadiness } from '../cluster/readiness.ts';
import { Fault } from '../errors.ts';
import { allowOnly } from './methods.ts';
import { problemOf, sendProblem } from '../server/problem.ts';

/**
 * For load balancers and monitors, without a token; so they tell no more than they must. The name of a stopped daemon
 * is no secret, and says to whoever is on call where to look.
 */
export function probeRoutes(checkReadiness: CheckReadiness): Router {
  const router = Router();

  router
    .route('/healthz')
    .get((_request, response) => {
      response.json({ status: 'ok' });
    })
    .all(allowOnly('GET', 'HEAD'));

  router
    .route('/readyz')
    .get(async (_request, response) => {
      try {
        await checkReadiness();
        response.json({ status: 'ok' });
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        const { type, title, code } = problemOf(error);
        // Whatever keeps the cluster out of reach, to a probe this node is not ready.
        sendProblem(response, { type, title, status: 503, detail: error.message, code });
      }
    })
    .all(allowOnly('GET', 'HEAD'));

  return router;
}
