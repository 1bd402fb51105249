import type { RequestHandler } from 'express';
import type { Registry } from 'prom-client';

import { serverFaults } from '../server/faults.ts';
import { makeProblems, problemSchema } from '../server/problem.ts';
import type { Family } from '../server/table/family.ts';
import examples from './examples/metrics.json' with { type: 'json' };
import { row } from '../server/table/row.ts';

/**
 * The metrics for Prometheus.
 * @param signIn handlers that identify the caller and refuse unauthorized ones
 * @param others the metrics of other processes, in the same format and with other names
 */
export function metricsFamily(
  registry: Registry,
  signIn: readonly RequestHandler[],
  others: () => Promise<string> = () => Promise.resolve(''),
): Family {
  return {
    name: 'metrics',
    title: 'Metrics',
    bases: ['/metrics'],
    signIn,
    security: { bearer: { type: 'http', scheme: 'bearer' } },
    rows: [
      row({
        methods: ['GET'],
        path: '/',
        role: 'monitor',
        summary: 'The metrics of the agent, in the text format of Prometheus.',
        fields: {},
        answers: { 200: { text: 'text/plain' } },
        codes: [],
        handle: async () => ({
          text: (await Promise.all([registry.metrics(), others()])).join(''),
          headers: { 'Content-Type': registry.contentType },
        }),
      }),
    ],
    noSuchRoute: (path) => `There is no ${path}.`,
    answerFault: makeProblems(serverFaults).answer,
    faultSchema: problemSchema,
    codes: ['unauthenticated', 'too_many_attempts', 'too_many_requests', 'overloaded'],
    examples,
  };
}
