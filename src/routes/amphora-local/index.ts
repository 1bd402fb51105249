import type { Express } from 'express';

import type { AmphoraStatus } from '../../amphora/status.ts';
import type { Log } from '../../kit/log.ts';
import type { FaultTable } from '../../server/fault-table.ts';
import { makeProblems, problemSchema } from '../../server/problem.ts';
import type { Family } from '../../server/table/family.ts';
import { row } from '../../server/table/row.ts';
import { makeApp } from '../../server/table/serve.ts';

/** The path of the status on the socket of ha-amphora. */
export const statusPath = '/status';

/** The path of the metrics there. */
export const metricsPath = '/metrics';

export interface AmphoraLocal {
  status: () => Promise<AmphoraStatus>;
  metrics: () => Promise<string>;
}

/**
 * The app of ha-amphora's Unix socket, for root on this host.
 * @param metrics in the text format of Prometheus
 * @param faults those of all families
 * @param others families that share the socket
 */
export function makeAmphoraLocalApp(
  { status, metrics }: AmphoraLocal,
  faults: FaultTable,
  log: Log,
  others: readonly Family[] = [],
): Express {
  const family: Family = {
    name: 'amphora-local',
    title: 'The status of the amphora',
    bases: [''],
    signIn: [],
    rows: [
      row({
        methods: ['GET'],
        path: statusPath,
        role: 'anyone',
        summary: 'The status of the amphora.',
        fields: {},
        codes: [],
        answers: { 200: { json: { type: 'object' } } },
        handle: async () => ({ body: await status() }),
      }),
      row({
        methods: ['GET'],
        path: metricsPath,
        role: 'anyone',
        summary: 'The metrics of the amphora.',
        fields: {},
        codes: [],
        answers: { 200: { text: 'text/plain' } },
        handle: async () => ({
          text: await metrics(),
          headers: { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' },
        }),
      }),
    ],
    noSuchRoute: (path) => `There is no ${path} here.`,
    answerFault: makeProblems(faults).answer,
    faultSchema: problemSchema,
    codes: [],
    examples: {},
  };
  return makeApp({ log, families: [...others, family], elsewhere: family });
}
