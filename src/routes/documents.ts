import { serverFaults } from '../server/faults.ts';
import { makeProblems, problemSchema } from '../server/problem.ts';
import type { Family } from '../server/table/family.ts';
import { openApiOf } from '../server/table/openapi.ts';
import { row } from '../server/table/row.ts';

/**
 * The OpenAPI documents of families: the first one's at the root and below its bases, the others' by their names. They say
 * what everybody can read in the README, so they need no token.
 */
export function documentFamily([first, ...others]: readonly [Family, ...Family[]]): Family {
  const paths = [
    ...['/openapi.json', ...first.bases.map((base) => `${base}/openapi.json`)].map(
      (path) => [path, first] as const,
    ),
    ...others.map((family) => [`/openapi/${family.name}.json`, family] as const),
  ];
  return {
    name: 'documents',
    title: 'OpenAPI documents',
    bases: [''],
    signIn: [],
    hasEtags: true,
    rows: paths.map(([path, family]) => {
      const document = openApiOf(family);
      return row({
        methods: ['GET'],
        path,
        role: 'anyone',
        summary: `The OpenAPI document: ${family.title}.`,
        fields: {},
        answers: { 200: { json: { type: 'object' } } },
        codes: [],
        handle: () => ({ body: document }),
      });
    }),
    noSuchRoute: (path) => `There is no ${path}.`,
    answerFault: makeProblems(serverFaults).answer,
    faultSchema: problemSchema,
    codes: [],
    // An example of a document would be the document.
    examples: {},
  };
}
