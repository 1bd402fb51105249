import type { RequestHandler } from 'express';
import type { Registry } from 'prom-client';

import { asProblems } from '../server/problem.ts';
import type { Family } from '../server/table/family.ts';
import { row } from '../server/table/row.ts';

/** What Prometheus reads. @param signIn find out who calls, and refuse what is not let in */
export function metricsFamily(registry: Registry, signIn: readonly RequestHandler[]): Family {
  return {
    name: 'metrics',
    title: 'Metrics',
    bases: ['/metrics'],
    signIn,
    rows: [
      row({
        methods: ['GET'],
        path: '/',
        role: 'monitor',
        summary: 'The metrics of the agent, in the text format of Prometheus.',
        fields: {},
        handle: async () => ({
          text: await registry.metrics(),
          headers: { 'Content-Type': registry.contentType },
        }),
      }),
    ],
    noSuchRoute: (path) => `There is no ${path}.`,
    answerFault: asProblems(),
  };
}
