import express, { type Express } from 'express';

import type { Daemon } from '../../alphorn/daemon.ts';
import { daemonRoutes } from '../../alphorn/daemon-client.ts';
import { Fault } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { allowOnly } from '../methods.ts';
import { answerErrors } from '../../server/problem.ts';

/** Longest wait, in milliseconds, for destinations that do not answer. */
const syncMs = 30_000;

/** What the sender answers to root on this host, by its Unix socket: how it is doing, and to try now. */
export function makeDaemonApp(daemon: Daemon, log: Log): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');

  app
    .route(daemonRoutes.status)
    .get(async (_request, response) => {
      response.json(await daemon.status());
    })
    .all(allowOnly('GET', 'HEAD'));

  app
    .route(daemonRoutes.sync)
    .post(async (_request, response) => {
      await Promise.race([daemon.sync(), new Promise((resolve) => setTimeout(resolve, syncMs))]);
      response.json(await daemon.status());
    })
    .all(allowOnly('POST'));

  app.use((request) => {
    throw new Fault('route_not_found', `There is no ${request.path} here.`);
  });
  app.use(answerErrors(log));
  return app;
}
