import { Router } from 'express';
import { matchedData } from 'express-validator';

import type { ConfigurationReader } from '../../cluster/configuration.ts';
import { listFencingHistory } from '../../cluster/fencing-history.ts';
import { locate } from '../../cluster/locate.ts';
import type { StateReader } from '../../cluster/state.ts';
import type { StatusReader } from '../../cluster/status.ts';
import { allowOnly } from '../methods.ts';
import { validate } from '../../server/middleware/validate.ts';
import { resourceName } from '../names.ts';
import { answerAsOf, setAge } from './answer.ts';
import { rawWanted } from './from-cib.ts';

/** What the routes need that answer from the cluster's state. */
export interface StateDomain {
  state: StateReader;
  status: StatusReader;
  configuration: ConfigurationReader;
}

/** The routes that read what is going on; nothing is while the cluster is stopped. */
export function stateRoutes({ state, status, configuration }: StateDomain): Router {
  const router = Router();

  router
    .route('/status')
    .get(validate(rawWanted), async (request, response) => {
      const { raw } = matchedData<{ raw?: string }>(request);
      const { json, digest, readAt } = await (raw === 'false'
        ? status.withoutRaw()
        : status.whole.get());
      setAge(response, readAt);
      response
        .set('ETag', `"${digest}"`)
        .set('Content-Type', 'application/json; charset=utf-8')
        .send(json);
    })
    .all(allowOnly('GET', 'HEAD'));

  router
    .route('/resource/:name/locate')
    .get(
      validate(() => [resourceName('name')]),
      async (request, response) => {
        const { name } = matchedData<{ name: string }>(request);
        const [reading, { cib, readAt }] = await Promise.all([state.get(), configuration.get()]);
        const oldest = Math.min(reading.readAt, readAt);
        answerAsOf(response, oldest, locate(reading.state, cib, name));
      },
    )
    .all(allowOnly('GET', 'HEAD'));

  router
    .route('/fence_history')
    .get(async (_request, response) => {
      const reading = await state.get();
      answerAsOf(response, reading.readAt, listFencingHistory(reading.state));
    })
    .all(allowOnly('GET', 'HEAD'));

  return router;
}
