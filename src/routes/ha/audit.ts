import { Router } from 'express';
import { matchedData, query } from 'express-validator';

import type { AuditLog } from '../../audit.ts';
import { requireRole } from '../../server/middleware/authenticate.ts';
import { allowOnly } from '../methods.ts';
import { validate } from '../../server/middleware/validate.ts';

const mostEntries = 1000;

/** Who had what from this node, or did what to it. */
export function auditRoutes(audit: Pick<AuditLog, 'list'>): Router {
  const router = Router();

  router
    .route('/audit')
    .get(
      requireRole('admin'),
      validate(() => [limit()]),
      async (request, response) => {
        const { limit: most = 100 } = matchedData<{ limit?: number }>(request);
        response.json(await audit.list(most));
      },
    )
    .all(allowOnly('GET', 'HEAD'));

  return router;
}

const limit = () =>
  query('limit')
    .optional()
    .custom(
      (value: unknown) =>
        typeof value === 'string' && /^[1-9]\d{0,3}$/.test(value) && Number(value) <= mostEntries,
    )
    .withMessage(`must be a number, 1 to ${mostEntries}`)
    .bail()
    .customSanitizer(Number);
