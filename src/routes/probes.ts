import { ofCluster } from './common/codes.ts';
import { answerOfProblem, type Problems, problemSchema } from '../server/problem.ts';
import type { Family } from '../server/table/family.ts';
import { always, record } from '../server/table/schema.ts';
import examples from './examples/probes.json' with { type: 'json' };
import { row } from '../server/table/row.ts';

/**
 * The routes for load balancers and monitors. They need no token, so they reveal only what is necessary. The name of a
 * stopped daemon is not secret, and shows the person on call where to look.
 * @param checkReadiness throws a fault that says why this node is not ready
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
      // For a probe, a node is not ready if the cluster is out of reach for any reason. This is an answer, and no
      // failure.
      const answer = answerOfProblem({ type, title, status: 503, detail, code });
      return { ...answer, isFailure: false };
    },
  };
}
