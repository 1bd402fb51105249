import { Router } from 'express';

import type { CorosyncReader } from '../../cluster/corosync.ts';
import { callerIn, requireRole } from '../middleware/authenticate.ts';
import { allowOnly } from '../methods.ts';

/** The routes `corosync…`, and `quorum`, which corosync tells of as well. */
export function corosyncRoutes(corosync: CorosyncReader): Router {
  const router = Router();

  router
    .route('/corosync')
    .get(async (_request, response) => {
      response.json(await corosync.conf());
    })
    .all(allowOnly('GET', 'HEAD'));

  router
    .route('/corosync/raw')
    .get(async (_request, response) => {
      response.json(await corosync.confText());
    })
    .all(allowOnly('GET', 'HEAD'));

  router
    .route('/corosync/verify')
    .get(async (_request, response) => {
      const { valid, text } = await corosync.verifyConf();
      response.set('X-HA-Valid', `${valid}`).json(text);
    })
    .all(allowOnly('GET', 'HEAD'));

  router
    .route('/corosync/key')
    .get(requireRole('admin'), async (request, response) => {
      const { name, role } = callerIn(response);
      const route = request.baseUrl + request.path;
      const key = await corosync.key({ caller: name, role, method: request.method, route });
      // Not json(), which would add an ETag, a digest of the key.
      response
        .set({ 'Cache-Control': 'no-store', 'Content-Type': 'application/json; charset=utf-8' })
        .end(JSON.stringify({ key }));
    })
    .all(allowOnly('GET', 'HEAD'));

  router
    .route('/corosync/rings')
    .get(async (_request, response) => {
      response.json(await corosync.rings.get());
    })
    .all(allowOnly('GET', 'HEAD'));

  router
    .route('/quorum')
    .get(async (_request, response) => {
      response.json(await corosync.quorum.get());
    })
    .all(allowOnly('GET', 'HEAD'));

  return router;
}
