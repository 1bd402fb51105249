import { Router } from 'express';

import type { CorosyncReader } from '../../cluster/corosync.ts';
import type { Service } from '../../cluster/services.ts';
import type { VersionsReader } from '../../cluster/versions.ts';
import { allowOnly } from '../methods.ts';
import { requireRole } from '../middleware/authenticate.ts';
import { agentRoutes, type AgentsDomain } from './agents.ts';
import { type ConfigurationDomain, configurationRoutes } from './configuration.ts';
import { corosyncRoutes } from './corosync.ts';
import { type StateDomain, stateRoutes } from './state.ts';

/** What the High Availability API asks of the domain. */
export interface HaDomain extends AgentsDomain, ConfigurationDomain, StateDomain {
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
    .route('/services')
    .get(async (_request, response) => {
      response.json({ services: await domain.services() });
    })
    .all(allowOnly('GET', 'HEAD'));

  router.use(stateRoutes(domain));
  router.use(configurationRoutes(domain));

  router.use(agentRoutes(domain));

  router.use(corosyncRoutes(domain.corosync));

  return router;
}
