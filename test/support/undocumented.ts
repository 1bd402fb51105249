import { Ajv2020 } from 'ajv/dist/2020.js';

import { exampleOf, operationName, templateOf } from '../../src/server/table/examples.ts';
import type { Family } from '../../src/server/table/family.ts';
import { openApiOf } from '../../src/server/table/openapi.ts';
import type { Row } from '../../src/server/table/row.ts';

/** Lists what the rows of a family and its examples lack. It is empty if they are complete. */
export function undocumented(family: Family): string[] {
  const names = family.rows.flatMap((each) =>
    each.methods.map((method) => operationName(method, each.path)),
  );
  const missing = [
    // A row without a method only keeps its path known.
    ...family.rows
      .filter(({ methods }) => methods.length > 0)
      .flatMap((each) => missingIn(family, each)),
    ...Object.keys(family.examples)
      .filter((name) => !names.includes(name))
      .map((name) => `${name} has an example and no row`),
  ];
  return missing.length > 0 ? missing : wrongExamples(family);
}

function nameOf({ methods: [method = 'GET'], path }: Row): string {
  return operationName(method, path);
}

function missingIn(family: Family, row: Row): string[] {
  const { answers, codes } = row as Partial<Row>;
  return [
    ...(answers === undefined ? ['no schema of its answer'] : []),
    ...(codes === undefined ? ['no fault codes'] : []),
    ...(exampleOf(family, row) === undefined ? ['no example'] : []),
  ].map((what) => `${nameOf(row)} has ${what}`);
}

/** Recorded examples stay the same when schemas change. */
function wrongExamples(family: Family): string[] {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(openApiOf(family), family.name);
  return family.rows.flatMap((each) => {
    const { status = 0, body } = exampleOf(family, each) ?? {};
    const answered = each.answers[status];
    const [method = 'GET'] = each.methods;
    const path = templateOf(each.path).replaceAll('/', '~1');
    const pointer = [path, method.toLowerCase(), 'responses', `${status}`];
    // A row that refuses all requests has an error as its example, and some rows have no JSON.
    if (answered === undefined || answered === 'nothing' || 'text' in answered) return [];
    const content = ['content', 'application~1json', 'schema'];
    const $ref = `${family.name}#/paths/${[...pointer, ...content].map(encodeURIComponent).join('/')}`;
    return ajv.validate({ $ref }, body)
      ? []
      : [`${nameOf(each)} has an example that is not as its schema: ${ajv.errorsText()}`];
  });
}
