import { Router } from 'express';
import { body, matchedData, param, type ValidationChain } from 'express-validator';

import type { FenceAgents, ResourceAgents } from '../../cluster/agents.ts';
import { allowOnly } from '../methods.ts';
import { jsonBody } from '../../server/middleware/json-body.ts';
import { validate } from '../../server/middleware/validate.ts';
import { agentName, providerName } from '../names.ts';

/** What the routes of agents ask of the domain. */
export interface AgentsDomain {
  resourceAgents: ResourceAgents;
  fenceAgents: FenceAgents;
}

/** The routes of resource agents and fence agents. */
export function agentRoutes({ resourceAgents, fenceAgents }: AgentsDomain): Router {
  const router = Router();

  router
    .route('/resource_agent')
    .get(async (_request, response) => {
      response.json(await resourceAgents.list());
    })
    .all(allowOnly('GET', 'HEAD'));

  router
    .route('/resource_agent/providers')
    .get(async (_request, response) => {
      response.json(await resourceAgents.providers());
    })
    .all(allowOnly('GET', 'HEAD'));

  router
    .route('/resource_agent/:provider/details')
    .get(
      validate(() => [providerName('provider')]),
      async (request, response) => {
        const { provider } = matchedData<{ provider: string }>(request);
        response.json(await resourceAgents.listOf(provider));
      },
    )
    .all(allowOnly('GET', 'HEAD'));

  router
    .route('/resource_agent/*agent/info')
    .get(
      validate(() => [agentName('agent', segments)]),
      async (request, response) => {
        const { agent } = matchedData<{ agent: string }>(request);
        response.json(await resourceAgents.describe(agent));
      },
    )
    .all(allowOnly('GET', 'HEAD'));

  router
    .route('/stonith/agent')
    .get(async (_request, response) => {
      response.json(await fenceAgents.list());
    })
    .all(allowOnly('GET', 'HEAD'));

  router
    .route('/stonith/agent/info')
    .post(
      jsonBody,
      validate(() => [agentName('agent', body)]),
      async (request, response) => {
        const { agent } = matchedData<{ agent: string }>(request);
        response.json(await fenceAgents.describe(agent.replace(/^stonith:/, '')));
      },
    )
    .all(allowOnly('POST'));

  return router;
}

/** A name with slashes, whether they came encoded or not: Express has it in segments, decoded. */
function segments(field: string): ValidationChain {
  return param(field).customSanitizer((parts: readonly string[]) => parts.join('/'));
}
