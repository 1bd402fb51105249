import { Router } from 'express';
import { body } from 'express-validator';

import {
  generateKey,
  setCorosyncConf,
  setCorosyncConfText,
  setCorosyncKey,
} from '../../cluster/changes/corosync.ts';
import type { CorosyncReader } from '../../cluster/corosync.ts';
import { auditedRequest, requireRole } from '../../server/middleware/authenticate.ts';
import { allowOnly, byGetOrPost } from '../methods.ts';
import type { ChangeHandlers } from './change.ts';
import { isObject } from './fields.ts';

/** The routes `corosync…`, and `quorum`, which corosync tells of as well. */
export function corosyncRoutes(corosync: CorosyncReader, changing: ChangeHandlers): Router {
  const router = Router();

  router
    .route('/corosync')
    .get(async (_request, response) => {
      const { json, valid } = await corosync.conf();
      if (valid !== undefined) response.set('X-HA-Valid', `${valid}`);
      response.json(json);
    })
    .post(
      changing({
        checks: () =>
          ['totem', 'quorum', 'nodelist'].map((section) =>
            body(section).custom(isObject).withMessage('must be a section, which is an object'),
          ),
        // All of it, whatever the sections are.
        change: (_fields, request) => setCorosyncConf(request.body),
      }),
    )
    .all(allowOnly('GET', 'HEAD', 'POST'));

  router
    .route('/corosync/raw')
    .get(async (_request, response) => {
      response.json(await corosync.confText());
    })
    .post(
      changing({
        checks: () => [
          body('conf')
            .custom((value: unknown) => typeof value === 'string' && isConf(value))
            .withMessage('must be the text of a corosync.conf, not empty'),
        ],
        change: ({ conf }: { conf: string }) => setCorosyncConfText(conf),
      }),
    )
    .all(allowOnly('GET', 'HEAD', 'POST'));

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
      const key = await corosync.key(auditedRequest(request, response));
      // Not json(), which would add an ETag, a digest of the key.
      response
        .set({ 'Cache-Control': 'no-store', 'Content-Type': 'application/json; charset=utf-8' })
        .end(JSON.stringify({ key }));
    })
    .post(
      changing({
        checks: () => [
          body('key')
            .custom((value: unknown) => typeof value === 'string' && isKey(value))
            .withMessage('must be a key of 128 to 4096 bytes in hexadecimal'),
        ],
        change: ({ key }: { key: string }) => setCorosyncKey(key),
      }),
    )
    .all(allowOnly('GET', 'HEAD', 'POST'));

  byGetOrPost(router, '/corosync/key/generate', changing({ change: generateKey }));

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

/** No byte that ends a C string; the rest is for corosync to judge. */
function isConf(text: string): boolean {
  return text.trim() !== '' && !text.includes('\0');
}

/** The sizes that corosync takes (TOTEM_PRIVATE_KEY_LEN_MIN and _MAX of totem.h). */
function isKey(text: string): boolean {
  return /^(?:[0-9a-f]{2}){128,4096}$/i.test(text);
}
