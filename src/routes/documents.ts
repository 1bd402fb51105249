import { asProblems, problemSchema } from '../server/problem.ts';
import type { Family } from '../server/table/family.ts';
import { openApiOf } from '../server/table/openapi.ts';
import { row } from '../server/table/row.ts';

/**
 * The OpenAPI documents of families, each below its bases, and the first one's at the root as well. They say what
 * everybody can read in the README, so they need no token.
 */
export function documentFamily(families: readonly Family[]): Family {
  const documents = families.map(openApiOf);
  const paths = families.map(({ bases }, index) => [
    ...bases.map((base) => `${base}/openapi.json`),
    ...(index === 0 ? ['/openapi.json'] : []),
  ]);
  return {
    name: 'documents',
    title: 'OpenAPI documents',
    bases: [''],
    signIn: [],
    hasEtags: true,
    rows: documents.flatMap((document, index) =>
      (paths[index] ?? []).map((path) =>
        row({
          methods: ['GET'],
          path,
          role: 'anyone',
          summary: 'The OpenAPI document.',
          fields: {},
          answers: { 200: { json: { type: 'object' } } },
          codes: [],
          handle: () => ({ body: document }),
        }),
      ),
    ),
    noSuchRoute: (path) => `There is no ${path}.`,
    answerFault: asProblems(),
    faultSchema: problemSchema,
    codes: [],
    // An example of a document would be the document.
    examples: {},
  };
}
