import { serverFaults } from '../server/faults.ts';
import { makeProblems, problemSchema } from '../server/problem.ts';
import type { Family } from '../server/table/family.ts';
import { openApiOf } from '../server/table/openapi.ts';
import { row } from '../server/table/row.ts';

/**
 * The OpenAPI documents of families. The first family has its document at the root and below its base paths, and the
 * others by their names. The documents contain nothing secret, so they need no token.
 */
export function documentFamily([first, ...others]: readonly [Family, ...Family[]]): Family {
  const rootAndBases = ['/openapi.json', ...first.bases.map((base) => `${base}/openapi.json`)];
  const places = [
    { family: first, paths: rootAndBases },
    ...others.map((family) => ({ family, paths: [`/openapi/${family.name}.json`] })),
  ];
  return {
    name: 'documents',
    title: 'OpenAPI documents',
    bases: [''],
    signIn: [],
    hasEtags: true,
    rows: places.flatMap(({ family, paths }) => {
      // The documents have some hundred KB, and are written once.
      const text = Buffer.from(JSON.stringify(openApiOf(family)));
      return paths.map((path) =>
        row({
          methods: ['GET'],
          path,
          role: 'anyone',
          summary: `The OpenAPI document: ${family.title}.`,
          fields: {},
          answers: { 200: { json: { type: 'object' } } },
          codes: [],
          handle: () => ({ text }),
        }),
      );
    }),
    noSuchRoute: (path) => `There is no ${path}.`,
    answerFault: makeProblems(serverFaults).answer,
    faultSchema: problemSchema,
    codes: [],
    // An example of this document would be the document itself.
    examples: {},
  };
}
