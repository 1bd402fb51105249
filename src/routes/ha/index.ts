import { Router } from 'express';

import type { CorosyncReader } from '../../cluster/corosync.ts';
import type { Service } from '../../cluster/services.ts';
import type { StateReader } from '../../cluster/state.ts';
import type { StatusReader } from '../../cluster/status.ts';
import type { VersionsReader } from '../../cluster/versions.ts';
import { listNodes } from '../../cluster/nodes.ts';
import { requireRole } from '../middleware/authenticate.ts';
import { allowOnly } from '../methods.ts';
import { corosyncRoutes } from './corosync.ts';

/** What the High Availability API asks of the domain. */
export interface HaDomain {
  state: StateReader;
  status: StatusReader;
  versions: VersionsReader;
  services: () => Promise<Service[]>;
  corosync: CorosyncReader;
}

/** The routes under `/api/v2/system/ha`. */
export function haRoutes(domain: HaDomain): Router {
  const router = Router();
  router.use(requireRole('viewer'));

  router
    .route('/versions')
    .get(async (_request, response) => {
      response.json(await domain.versions());
    })
    .all(allowOnly('GET', 'HEAD'));

  router
    .route('/status')
    .get(async (_request, response) => {
      response
        .set('Content-Type', 'application/json; charset=utf-8')
        .send(await domain.status.get());
    })
    .all(allowOnly('GET', 'HEAD'));

  router
    .route('/services')
    .get(async (_request, response) => {
      response.json({ services: await domain.services() });
    })
    .all(allowOnly('GET', 'HEAD'));

  router
    .route('/node')
    .get(async (_request, response) => {
      response.json(listNodes(await domain.state.get()));
    })
    .all(allowOnly('GET', 'HEAD'));

  router.use(corosyncRoutes(domain.corosync));

  return router;
}
