import type { CheckReadiness } from '../cluster/readiness.ts';
import { problemOf, sendProblem, writeProblems } from '../server/problem.ts';
import type { Family } from '../server/table/family.ts';
import { row } from '../server/table/row.ts';

/**
 * For load balancers and monitors, without a token; so they tell no more than they must. The name of a stopped daemon
 * is no secret, and says to whoever is on call where to look.
 */
export function probeFamily(checkReadiness: CheckReadiness): Family {
  const body = { status: 'ok' };
  const probe = { methods: ['GET'], role: 'anyone', fields: {} } as const;
  return {
    name: 'probes',
    bases: [''],
    signIn: [],
    hasEtags: true,
    rows: [
      row({
        ...probe,
        path: '/healthz',
        summary: 'Whether the agent answers.',
        handle: () => ({ body }),
      }),
      row({
        ...probe,
        path: '/readyz',
        summary: 'Whether this node and its cluster can be worked with.',
        async handle() {
          await checkReadiness();
          return { body };
        },
      }),
    ],
    noSuchRoute: (path) => `There is no ${path}.`,
    writeFault(response, fault) {
      if (fault.code === 'method_not_allowed' || fault.code === 'internal_error')
        return writeProblems()(response, fault);
      const { type, title, code } = problemOf(fault);
      // Whatever keeps the cluster out of reach, to a probe this node is not ready: that is its answer, and no failure.
      sendProblem(response, { type, title, status: 503, detail: fault.message, code });
      return false;
    },
  };
}
