import { Router } from 'express';

import type { AuditLog } from '../../audit.ts';
import type { CorosyncReader } from '../../cluster/corosync.ts';
import type { VersionsReader } from '../../cluster/versions.ts';
import { allowOnly } from '../methods.ts';
import { requireRole } from '../../server/middleware/authenticate.ts';
import { type AlphornDomain, alphornRoutes } from './alphorn.ts';
import { agentRoutes, type AgentsDomain } from './agents.ts';
import { auditRoutes } from './audit.ts';
import { type ChangeDomain, changeHandlers } from './change.ts';
import { constraintRoutes } from './constraints.ts';
import { corosyncRoutes } from './corosync.ts';
import { cibHandlers, type ConfigurationDomain, nothing } from './from-cib.ts';
import { nodeRoutes, type NodeDomain } from './nodes.ts';
import { propertyRoutes, type PropertyDomain } from './properties.ts';
import { resourceRoutes } from './resources.ts';
import { stackRoutes, type StackDomain } from './stack.ts';
import { type StateDomain, stateRoutes } from './state.ts';
import { fencingRoutes, type FencingDomain } from './stonith.ts';

/** What the High Availability API asks of the domain. */
export interface HaDomain
  extends
    AgentsDomain,
    AlphornDomain,
    ChangeDomain,
    ConfigurationDomain,
    FencingDomain,
    NodeDomain,
    PropertyDomain,
    StackDomain,
    StateDomain {
  versions: VersionsReader;
  corosync: CorosyncReader;
  audit: Pick<AuditLog, 'list'>;
}

/** The routes under `/api/v2/system/ha`. */
export function haRoutes(domain: HaDomain): Router {
  const router = Router();
  router.use(requireRole('viewer'));
  const fromCib = cibHandlers(domain);
  const changing = changeHandlers(domain);

  router
    .route('/versions')
    .get(async (_request, response) => {
      response.json(await domain.versions());
    })
    .all(allowOnly('GET', 'HEAD'));

  router
    .route('/configuration')
    .get(
      fromCib(nothing, ({ cib }) => ({
        version: cib.version,
        'validate-with': cib.validateWith,
        configuration: cib.configuration,
      })),
    )
    .all(allowOnly('GET', 'HEAD'));

  router.use(stackRoutes(domain, changing));
  router.use(stateRoutes(domain));
  router.use(nodeRoutes(domain, changing));
  router.use(constraintRoutes(domain.words, fromCib, changing));
  router.use(propertyRoutes(domain, changing));
  // Before the resources, whose names would take its paths.
  router.use(agentRoutes(domain));
  router.use(resourceRoutes(domain.agentMetadata, fromCib, changing));
  router.use(fencingRoutes(domain, fromCib, changing));
  router.use(corosyncRoutes(domain.corosync, changing));
  router.use(alphornRoutes(domain, changing));
  router.use(auditRoutes(domain.audit));

  return router;
}
