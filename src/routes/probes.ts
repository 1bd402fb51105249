import { Router } from 'express';

import { type FindStoppedDaemons, sentenceOf } from '../cluster/daemons.ts';
import type { StateReader } from '../cluster/state.ts';
import { Fault } from '../errors.ts';
import { allowOnly } from './methods.ts';
import { problemOf, sendProblem } from './problem.ts';

/**
 * For load balancers and monitors, without a token; so they tell no more than they must. The name of a stopped daemon
 * is no secret, and says to whoever is on call where to look.
 */
export function probeRoutes(state: StateReader, findStoppedDaemons: FindStoppedDaemons): Router {
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
        await checkDaemons();
        await state.get();
        response.json({ status: 'ok' });
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        const { type, title, detail, code } = problemOf(error);
        // Whatever keeps the cluster out of reach, to a probe this node is not ready.
        sendProblem(response, { type, title, status: 503, detail, code });
      }
    })
    .all(allowOnly('GET', 'HEAD'));

  return router;

  /** First, for while one is stopped the state may be long in coming, or look as if all were well. */
  async function checkDaemons(): Promise<void> {
    const needed = (await findStoppedDaemons()).filter(({ isNeeded }) => isNeeded);
    if (needed.length > 0) throw new Fault('daemon_stopped', sentenceOf(needed));
  }
}
