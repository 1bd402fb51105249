import { Router } from 'express';
import { matchedData } from 'express-validator';

import type { NodeChanges } from '../../cluster/changes/nodes.ts';
import type { ConfigurationReader } from '../../cluster/configuration.ts';
import { listNodes, nodeDetails } from '../../cluster/nodes.ts';
import type { StateReader } from '../../cluster/state.ts';
import { allowOnly, byGetOrPost } from '../methods.ts';
import { type Checks, validate } from '../../server/middleware/validate.ts';
import { nodeName } from '../names.ts';
import { answerAsOf } from './answer.ts';
import type { ChangeHandlers } from './change.ts';

/** What the routes of nodes ask of the domain. */
export interface NodeDomain {
  state: StateReader;
  configuration: ConfigurationReader;
  nodeChanges: NodeChanges;
}

/** The routes of nodes. */
export function nodeRoutes(
  { state, configuration, nodeChanges }: NodeDomain,
  changing: ChangeHandlers,
): Router {
  const router = Router();

  router
    .route('/node')
    .get(async (_request, response) => {
      const reading = await state.get();
      answerAsOf(response, reading.readAt, listNodes(reading.state));
    })
    .all(allowOnly('GET', 'HEAD'));

  const checks: Checks = () => [nodeName('name')];
  interface Fields {
    name: string;
  }

  const remove = changing({
    checks,
    change: ({ name }: Fields) => nodeChanges.remove(name),
    loses: ({ name }) =>
      `${name} is no longer a node of the cluster, and all that is configured of it is lost.`,
  });

  router
    .route('/node/:name')
    .get(validate(checks), async (request, response) => {
      const { name } = matchedData<Fields>(request);
      const [reading, { cib, readAt }] = await Promise.all([state.get(), configuration.get()]);
      const oldest = Math.min(reading.readAt, readAt);
      answerAsOf(response, oldest, nodeDetails(reading.state, cib, name));
    })
    .delete(remove)
    .all(allowOnly('GET', 'HEAD', 'DELETE'));

  byGetOrPost(router, '/node/:name/delete', remove);
  byGetOrPost(
    router,
    '/node/:name/fence',
    changing({
      checks,
      change: ({ name }: Fields) => nodeChanges.fence(name),
      loses: ({ name }) => `${name} is powered off and on again; whatever runs there ends at once.`,
    }),
  );

  const states = {
    standby: nodeChanges.standby,
    online: nodeChanges.online,
    maintenance: nodeChanges.maintenance,
    unmaintenance: nodeChanges.unmaintenance,
  };
  for (const [name, change] of Object.entries(states)) {
    byGetOrPost(
      router,
      `/node/:name/${name}`,
      changing({ role: 'operator', checks, change: (fields: Fields) => change(fields.name) }),
    );
  }

  return router;
}
