import express, { type Express, type RequestHandler } from 'express';

import { Fault } from './errors.ts';
import type { CheckReadiness } from './cluster/readiness.ts';
import type { KnownSecrets } from './known-secrets.ts';
import type { Log } from './log.ts';
import { type HaDomain, haRows } from './routes/ha/index.ts';
import { requireRole } from './server/middleware/authenticate.ts';
import { documentedHeaders } from './server/middleware/headers.ts';
import { logRequests } from './server/middleware/log-requests.ts';
import { serveRows } from './server/table/serve.ts';
import { probeRoutes } from './routes/probes.ts';
import { answerErrors } from './server/problem.ts';

/** All that the app is made of. A further family of routes brings a domain of its own. */
export interface AppParts {
  poweredBy: string;
  log: Log;
  secrets: KnownSecrets;
  /** Find out who calls, and refuse what is not let in. */
  admit: readonly RequestHandler[];
  ha: HaDomain;
  checkReadiness: CheckReadiness;
}

/** The Express app; it does not listen. */
export function makeApp({ poweredBy, log, secrets, admit, ha, checkReadiness }: AppParts): Express {
  const app = express();
  // Set by our own header, if at all.
  app.disable('x-powered-by');
  // A digest of the answer, where a route sets none that is cheaper.
  app.set('etag', 'strong');

  app.use(logRequests(log));
  app.use(documentedHeaders(poweredBy));
  app.use(probeRoutes(checkReadiness));
  app.use([...admit]);
  app.use('/api/v2/system/ha', requireRole('viewer'), serveRows(haRows(ha)));
  app.use((request) => {
    throw new Fault('route_not_found', `There is no ${request.path}. The README lists the routes.`);
  });
  app.use(answerErrors(log, secrets));
  return app;
}
