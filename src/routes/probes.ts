import { ofCluster } from './common/codes.ts';
import { answerOfProblem, type Problems, problemSchema } from '../server/problem.ts';
import type { Family } from '../server/table/family.ts';
import { always, record } from '../server/table/schema.ts';
import examples from './examples/probes.json' with { type: 'json' };
import { row } from '../server/table/row.ts';

/**
 * For load balancers and monitors, without a token; so they tell no more than they must. The name of a stopped daemon
 * is no secret, and says to whoever is on call where to look.
 * @param checkReadiness fails with a fault that says why this node is not ready
 */
export function probeFamily(checkReadiness: () => Promise<void>, problems: Problems): Family {
  const body = { status: 'ok' };
  const probe = {
    methods: ['GET'],
    role: 'anyone',
    fields: {},
    answers: { 200: { json: record({ status: always('ok') }) } },
  } as const;
  return {
    name: 'probes',
    title: 'Probes',
    bases: [''],
    signIn: [],
    hasEtags: true,
    rows: [
      row({
        ...probe,
        path: '/healthz',
        summary: 'Whether the agent answers.',
        codes: [],
        handle: () => ({ body }),
      }),
      row({
        ...probe,
        path: '/readyz',
        summary: 'Whether this node and its cluster are ready for requests.',
        codes: ['daemon_stopped', 'no_coordinator', 'no_quorum', ...ofCluster],
        async handle() {
          await checkReadiness();
          return { body };
        },
      }),
    ],
    noSuchRoute: (path) => `There is no ${path}.`,
    faultSchema: problemSchema,
    codes: [],
    examples,
    answerFault(fault) {
      const { code } = fault;
      if (code === 'method_not_allowed' || code === 'internal_error') return problems.answer(fault);
      const { type, title } = problems.of(fault);
      const { message: detail } = fault;
      // Whatever keeps the cluster out of reach, to a probe this node is not ready: that is its answer, and no failure.
      const answer = answerOfProblem({ type, title, status: 503, detail, code });
      return { ...answer, isFailure: false };
    },
  };
}
