import type { NodeDomain } from '../../node/node.ts';
import type { FaultTable } from '../../server/fault-table.ts';
import { makeProblems, problemSchema } from '../../server/problem.ts';
import type { Family } from '../../server/table/family.ts';
import { row } from '../../server/table/row.ts';

/** The base path of the node on the socket of ha-amphora. */
export const nodeLocalBase = '/node-local';

/**
 * What root on this host may ask its node.
 * @param faults those of all families
 */
export function nodeLocalFamily(
  domain: Pick<NodeDomain, 'facts' | 'report' | 'adopt'>,
  faults: FaultTable,
): Family {
  return {
    name: 'node-local',
    title: 'The node part of this host',
    bases: [nodeLocalBase],
    signIn: [],
    rows: [
      row({
        methods: ['GET'],
        path: '/status',
        role: 'anyone',
        summary: 'What this host is as a node, and what its keepalived does.',
        fields: {},
        codes: [],
        answers: { 200: { json: { type: 'object' } } },
        async handle() {
          const [facts, report] = await Promise.all([domain.facts(), domain.report()]);
          return { body: { ...facts, report } };
        },
      }),
      row({
        methods: ['POST'],
        path: '/adopt',
        role: 'anyone',
        summary: 'Lets the next store order this node, whichever it is.',
        fields: {},
        codes: [],
        answers: { 200: { json: { type: 'object' } } },
        async handle() {
          return { body: { released: await domain.adopt() } };
        },
      }),
    ],
    noSuchRoute: (path) => `There is no ${path} here.`,
    answerFault: makeProblems(faults).answer,
    faultSchema: problemSchema,
    codes: [],
    examples: {},
  };
}
