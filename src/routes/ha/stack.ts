import { Router } from 'express';
import { param } from 'express-validator';

import type { StackChanges } from '../../cluster/changes/stack.ts';
import type { Service } from '../../cluster/services.ts';
import { allowOnly, byGetOrPost } from '../methods.ts';
import type { ChangeHandlers } from './change.ts';

/** What the routes of the cluster stack ask of the domain. */
export interface StackDomain {
  services: () => Promise<Service[]>;
  stackChanges: StackChanges;
}

/** The routes of the services of this node, and of the end of its cluster. */
export function stackRoutes(
  { services, stackChanges }: StackDomain,
  changing: ChangeHandlers,
): Router {
  const router = Router();

  router
    .route('/services')
    .get(async (_request, response) => {
      response.json({ services: await services() });
    })
    .all(allowOnly('GET', 'HEAD'));

  for (const action of ['start', 'stop', 'restart', 'enable', 'disable'] as const) {
    router
      .route(`/services/:id/${action}`)
      .post(
        changing({
          checks: () => [serviceId()],
          change: ({ id }: { id: string }) => stackChanges.control(id, action),
        }),
      )
      .all(allowOnly('POST'));
  }

  const destroy = changing({
    change: stackChanges.destroy,
    loses: () => 'The cluster on this node is stopped, and all its configuration is removed.',
  });
  byGetOrPost(router, '/destroy', destroy);
  router.route('/reset_all').post(destroy).all(allowOnly('POST'));

  return router;
}

const serviceId = () =>
  param('id')
    .matches(/^[A-Za-z][A-Za-z_-]{0,63}(?:\.service)?$/)
    .withMessage('must be the id of a service, such as "pacemaker.service"');
