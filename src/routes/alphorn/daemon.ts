import type { Express } from 'express';

import type { Daemon } from '../../alphorn/sending/daemon.ts';
import { daemonRoutes } from '../../alphorn/sending/daemon-client.ts';
import type { Log } from '../../kit/log.ts';
import { serverFaults } from '../../server/faults.ts';
import { makeProblems, problemSchema } from '../../server/problem.ts';
import type { Family } from '../../server/table/family.ts';
import { row } from '../../server/table/row.ts';
import { senderStatus } from './answers.ts';
import examples from './examples.json' with { type: 'json' };
import { makeApp } from '../../server/table/serve.ts';
import { alphornFaults } from './faults.ts';

/** Max wait, in milliseconds, for destinations that do not answer. */
const syncMs = 30_000;

/** The app of the sender's Unix socket, for root on this host: its status, and a request to send now. */
export function makeDaemonApp(daemon: Daemon, log: Log): Express {
  const family = daemonFamily(daemon);
  return makeApp({ log, families: [family], elsewhere: family });
}

/** The sender's routes for root on this host, on its Unix socket: its status, and a request to try now. */
export function daemonFamily(daemon: Daemon): Family {
  const forRoot = {
    role: 'anyone',
    fields: {},
    codes: [],
    answers: { 200: { json: senderStatus } },
  } as const;
  return {
    name: 'alphornd',
    title: 'The sender of Alphorn',
    bases: [''],
    signIn: [],
    rows: [
      row({
        ...forRoot,
        methods: ['GET'],
        path: daemonRoutes.status,
        summary: 'The status of the sender.',
        handle: async () => ({ body: await daemon.status() }),
      }),
      row({
        ...forRoot,
        methods: ['POST'],
        path: daemonRoutes.sync,
        summary: 'Makes the sender look for changes and send now.',
        async handle() {
          await Promise.race([
            daemon.sync(),
            new Promise((resolve) => setTimeout(resolve, syncMs)),
          ]);
          return { body: await daemon.status() };
        },
      }),
    ],
    noSuchRoute: (path) => `There is no ${path} here.`,
    answerFault: makeProblems({ ...serverFaults, ...alphornFaults }).answer,
    faultSchema: problemSchema,
    codes: [],
    examples,
  };
}
