import { type RequestHandler, Router } from 'express';
import { body } from 'express-validator';

import type { AgentMetadataReader } from '../../cluster/agent-metadata.ts';
import { banResource, clearResource } from '../../cluster/changes/bans.ts';
import type { Pairs } from '../../cluster/changes/cib-elements.ts';
import { cloneResource, uncloneResource } from '../../cluster/changes/clones.ts';
import { addToGroup, removeFromGroup } from '../../cluster/changes/groups.ts';
import { migrateResource } from '../../cluster/changes/migrate.ts';
import type { ResourceOptions } from '../../cluster/changes/primitives.ts';
import {
  cleanUpResource,
  createResource,
  deleteResource,
  manageResource,
  type NewResource,
  restartResource,
  startResource,
  stopResource,
  unmanageResource,
  updateResource,
} from '../../cluster/changes/resources.ts';
import { detailsOf, groupOf, listGroups, listResources } from '../../cluster/resources.ts';
import { allowOnly, byGetOrPost } from '../methods.ts';
import type { Checks } from '../../server/middleware/validate.ts';
import { agentName, isXmlId, nodeName, resourceName } from '../names.ts';
import type { ChangeHandlers } from './change.ts';
import { isObject, newId, oneOf, operations, pairs, pairsOrTrue, resourceNames } from './fields.ts';
import { type FromCib, nothing } from './from-cib.ts';

/** The routes of resources and groups. */
export function resourceRoutes(
  agents: AgentMetadataReader,
  fromCib: FromCib,
  changing: ChangeHandlers,
): Router {
  const router = Router();
  const name = () => resourceName('name');

  router
    .route('/resource')
    .get(fromCib(nothing, ({ cib }) => listResources(cib)))
    .post(
      changing({
        checks: () => [
          resourceName('name', body),
          agentName('resource_agent', body),
          ...resourceOptions(),
          pairsOrTrue('clone'),
        ],
        change: (
          fields: ResourceOptions & { name: string; resource_agent: string; clone?: Pairs },
        ) =>
          createResource(agents, {
            ...fields,
            agent: fields.resource_agent,
            clone: fields.clone,
          } satisfies NewResource),
        echo: ['name', 'resource_agent', 'params', 'meta', 'operations', 'clone'],
      }),
    )
    .all(allowOnly('GET', 'HEAD', 'POST'));

  router
    .route('/resource/group')
    .get(fromCib(nothing, ({ cib }) => listGroups(cib)))
    .all(allowOnly('GET', 'HEAD'));

  router
    .route('/resource/group/set')
    .post(
      changing({
        checks: () => [resourceName('groupName', body), resourceNames('resources'), order()],
        change: ({
          groupName,
          ...fields
        }: {
          groupName: string;
          resources: readonly string[];
          order?: { position: 'before' | 'after'; resource: string };
        }) => addToGroup({ ...fields, group: groupName, order: fields.order }),
        echo: ['groupName', 'resources', 'order'],
      }),
    )
    .all(allowOnly('POST'));

  router
    .route('/resource/group/remove')
    .post(
      changing({
        checks: () => [resourceName('groupName', body), resourceNames('resources')],
        change: ({ groupName, resources }: { groupName: string; resources: readonly string[] }) =>
          removeFromGroup(groupName, resources),
        echo: ['groupName', 'resources'],
      }),
    )
    .all(allowOnly('POST'));

  router
    .route('/resource/group/:name')
    .get(
      fromCib(
        () => [name()],
        ({ cib }, fields) => groupOf(cib, fields['name'] ?? ''),
      ),
    )
    .delete(
      changing({
        checks: () => [name()],
        change: (fields: { name: string }) => removeFromGroup(fields.name, []),
        answer: (_result, fields) => ({ groupName: fields.name }),
      }),
    )
    .all(allowOnly('GET', 'HEAD', 'DELETE'));

  const details = fromCib(
    () => [name()],
    ({ cib }, fields) => [detailsOf(cib, fields['name'] ?? '')],
  );
  router.route('/resource/:name/details').get(details).all(allowOnly('GET', 'HEAD'));

  const update = changing({
    checks: () => [name(), ...resourceOptions()],
    change: ({ name: resource, ...options }: ResourceOptions & { name: string }) =>
      updateResource(agents, resource, options),
  });
  router.route('/resource/:name/update').post(update).all(allowOnly('POST'));

  const remove = changing({
    checks: () => [name()],
    change: (fields: { name: string }) => deleteResource(fields.name, 'resource'),
  });
  router
    .route('/resource/:name')
    .get(details)
    .delete(remove)
    .patch(update)
    .all(allowOnly('GET', 'HEAD', 'DELETE', 'PATCH'));
  byGetOrPost(router, '/resource/:name/delete', remove);
  byGetOrPost(
    router,
    '/resource/:name/stop',
    changing({
      role: 'operator',
      checks: () => [name()],
      change: (fields: { name: string }) => stopResource(fields.name),
    }),
  );
  byGetOrPost(
    router,
    '/resource/:name/start',
    changing({
      role: 'operator',
      checks: () => [name()],
      change: (fields: { name: string }) => startResource(fields.name),
    }),
  );
  byGetOrPost(
    router,
    '/resource/:name/cleanup',
    changing({
      role: 'operator',
      checks: () => [name()],
      change: (fields: { name: string }) => cleanUpResource(fields.name),
    }),
  );

  const byPost: Readonly<Record<string, RequestHandler[]>> = {
    migrate: changing({
      role: 'operator',
      checks: () => [
        name(),
        nodeName('node', body),
        oneOf('role', ['Promoted', 'Master']).optional(),
      ],
      change: ({ role, ...fields }: { name: string; node: string; role?: string }) =>
        migrateResource({ ...fields, promoted: role !== undefined }),
    }),
    restart: changing({
      role: 'operator',
      checks: () => [name()],
      change: (fields: { name: string }) => restartResource(fields.name),
    }),
    ban: changing({
      checks: () => [name(), nodeName('node', body)],
      change: (fields: { name: string; node: string }) => banResource(fields.name, fields.node),
    }),
    clear: changing({
      checks: () => [name(), nodeName('node', body).optional()],
      change: (fields: { name: string; node?: string }) => clearResource(fields.name, fields.node),
    }),
    manage: changing({
      checks: () => [name()],
      change: (fields: { name: string }) => manageResource(fields.name),
    }),
    unmanage: changing({
      checks: () => [name()],
      change: (fields: { name: string }) => unmanageResource(fields.name),
    }),
    clone: changing({
      checks: () => [name(), newId('clone_name'), pairs('meta')],
      change: (fields: { name: string; clone_name?: string; meta: Pairs }) =>
        cloneResource(agents, fields.name, fields.clone_name, fields.meta),
    }),
    unclone: changing({
      checks: () => [name()],
      change: (fields: { name: string }) => uncloneResource(fields.name),
    }),
  };
  for (const [action, handlers] of Object.entries(byPost)) {
    router.route(`/resource/:name/${action}`).post(handlers).all(allowOnly('POST'));
  }

  return router;
}

const resourceOptions: Checks = () => [pairs('params'), pairs('meta'), operations('operations')];

const order = () =>
  body('order')
    .optional()
    .custom(
      (value: unknown) =>
        isObject(value) &&
        (value['position'] === 'before' || value['position'] === 'after') &&
        isXmlId(value['resource']),
    )
    .withMessage('must be an object with "position", "before" or "after", and "resource", a name');
