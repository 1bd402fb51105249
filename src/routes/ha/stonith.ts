import { Router } from 'express';
import { body, param, type ValidationChain } from 'express-validator';

import type { AgentMetadataReader } from '../../cluster/agent-metadata.ts';
import type { Pairs } from '../../cluster/changes/cib-elements.ts';
import type { ResourceOptions } from '../../cluster/changes/primitives.ts';
import {
  addToLevel,
  createFenceDevice,
  deleteFenceDevice,
  removeFromLevel,
  updateFenceDevice,
} from '../../cluster/changes/stonith.ts';
import type { ConfigurationReader } from '../../cluster/configuration.ts';
import { fenceDeviceOf } from '../../cluster/resources.ts';
import { listFencing, listLevels, nodesLeftWithout } from '../../cluster/stonith.ts';
import type { CibWords } from '../../cluster/words.ts';
import { allowOnly } from '../methods.ts';
import type { Checks } from '../../server/middleware/validate.ts';
import { agentName, nodeName, resourceName } from '../names.ts';
import type { ChangeHandlers } from './change.ts';
import { operations, pairs } from './fields.ts';
import { type FromCib, nothing, rawWanted } from './from-cib.ts';

/** What the routes of fencing ask of the domain. */
export interface FencingDomain {
  agentMetadata: AgentMetadataReader;
  configuration: ConfigurationReader;
  words: CibWords;
}

/** The routes of fence devices and fencing levels. */
export function fencingRoutes(
  { agentMetadata, configuration, words }: FencingDomain,
  fromCib: FromCib,
  changing: ChangeHandlers,
): Router {
  const router = Router();

  router
    .route('/stonith')
    .get(
      fromCib(
        rawWanted,
        ({ cib }, _fields, raw) => ({ ...(raw !== undefined && { raw }), ...listFencing(cib) }),
        words.fencing,
      ),
    )
    .all(allowOnly('GET', 'HEAD'));

  router
    .route('/stonith/create')
    .post(
      changing({
        checks: () => [
          resourceName('name', body),
          agentName('agent', body),
          pairs('params'),
          pairs('meta'),
          operations('operations'),
        ],
        change: (fields: ResourceOptions & { name: string; agent: string }) =>
          createFenceDevice(agentMetadata, {
            ...fields,
            agent: fields.agent.replace(/^stonith:/, ''),
          }),
        // As the document has it: the agent comes back under another name.
        echo: ['name', ['agent', 'stonith_agent'], 'params', 'meta', 'operations'],
      }),
    )
    .all(allowOnly('POST'));

  router
    .route('/stonith/level')
    .get(fromCib(nothing, ({ cib }) => listLevels(cib)))
    .all(allowOnly('GET', 'HEAD'));

  router
    .route('/stonith/level/create')
    .post(
      changing({
        checks: () => [level(body('level')), ...levelDevice()],
        change: (fields: LevelFields) => addToLevel(deviceOf(fields)),
        echo: ['level', 'node_name', 'stonith_name'],
      }),
    )
    .all(allowOnly('POST'));

  const removeLevel = changing({
    checks: () => [level(param('level')), ...levelDevice()],
    change: (fields: LevelFields) => removeFromLevel(deviceOf(fields)),
    // As the document has it: here the level is text, as it is in the URL.
    answer: (_result, { level: index, node_name, stonith_name }) => ({
      level: `${index}`,
      node_name,
      stonith_name,
    }),
  });
  router.route('/stonith/level/:level/delete').post(removeLevel).all(allowOnly('POST'));
  router
    .route('/stonith/level/:level')
    .get(
      fromCib(
        () => [level(param('level'))],
        ({ cib }, fields) =>
          listLevels(cib).filter(({ level: index }) => index === `${fields['level']}`),
      ),
    )
    .delete(removeLevel)
    .all(allowOnly('GET', 'HEAD', 'DELETE'));

  const name = () => resourceName('name');
  const remove = changing({
    checks: () => [name()],
    change: (fields: { name: string }) => deleteFenceDevice(fields.name),
    loses: async (fields) => {
      const nodes = nodesLeftWithout((await configuration.get()).cib, fields.name);
      return nodes.length === 0
        ? undefined
        : `No other fence device is known for ${nodes.join(', ')}: when such a node fails, the cluster cannot take over its resources.`;
    },
  });
  router.route('/stonith/:name/delete').post(remove).all(allowOnly('POST'));
  const update = changing({
    checks: () => [name(), pairs('params'), pairs('meta')],
    change: (fields: { name: string; params: Pairs; meta: Pairs }) =>
      updateFenceDevice(agentMetadata, fields.name, fields.params, fields.meta),
  });
  router.route('/stonith/:name/update').post(update).all(allowOnly('POST'));
  router
    .route('/stonith/:name')
    .get(
      fromCib(
        () => [name()],
        ({ cib }, fields) => [fenceDeviceOf(cib, fields['name'] ?? '')],
      ),
    )
    .delete(remove)
    .patch(update)
    .all(allowOnly('GET', 'HEAD', 'DELETE', 'PATCH'));

  return router;
}

interface LevelFields {
  level: number;
  node_name: string;
  stonith_name: string;
}

const levelDevice: Checks = () => [nodeName('node_name', body), resourceName('stonith_name', body)];

/** Pacemaker tries them in the order of these numbers (fencing-*.rng). */
function level(chain: ValidationChain): ValidationChain {
  return chain
    .custom((value: unknown) => /^[1-9]$/.test(String(value)) && typeof value !== 'object')
    .withMessage('must be a level, 1 to 9')
    .bail()
    .customSanitizer(Number);
}

function deviceOf({ level: index, node_name: node, stonith_name: device }: LevelFields) {
  return { level: index, node, device };
}
