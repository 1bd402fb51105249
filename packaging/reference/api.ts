import type { Field } from '../../src/server/table/field.ts';
import type { Family } from '../../src/server/table/family.ts';
import type { Answered } from '../../src/server/table/row.ts';
import { type CodesTexts, makeCodesTexts } from './codes-text.ts';
import { code, table } from './markdown.ts';
import { nameOf, type Route, routesOf } from './routes.ts';
import { makeTypeTexts, type TypeTexts } from './type-text.ts';

/** A family for docs/api.md: its routes, what each takes and answers, and the parts of the answers. */
export function apiOf(family: Family): string {
  const types = makeTypeTexts();
  const routes = routesOf(family);
  const codes = makeCodesTexts(family, routes);
  const texts = routes.map((route) => routeText(route, codes, types));
  return [
    table(
      ['Route', 'Role', 'What it does'],
      routes.flatMap(({ rows }) =>
        rows.map((each) => [code(nameOf(family, each)), each.role, each.summary]),
      ),
    ),
    ...codes.intro(),
    ...texts,
    ...partsText(types),
  ].join('\n\n');
}

function partsText(types: TypeTexts): string[] {
  const parts = types.parts();
  if (parts.length === 0) return [];
  const rows = parts.map(([name, type]) => [code(name), code(type)]);
  return [table(['Part of answers', 'What it is'], rows)];
}

/** Each change has these; the text of the page says what they are for. */
const ofEachChange = ['dry_run', 'wait'];

function routeText(route: Route, codes: CodesTexts, types: TypeTexts): string {
  const { family, rows } = route;
  const [first] = rows;
  if (first === undefined) return '';
  const fields = Object.entries(first.fields).filter(
    ([key]) => !(first.isChange && ofEachChange.includes(key)),
  );
  const errors = codes.text(route);
  return [
    `${rows.map((each) => code(nameOf(family, each))).join(', ')}\n`,
    ...fields.map(([key, field]) => `- ${fieldText(field.name ?? key, field, types)}`),
    ...answersText(first.answers, types),
    ...(errors === undefined ? [] : [`- Errors: ${errors}`]),
  ].join('\n');
}

function fieldText(name: string, field: Field<unknown>, types: TypeTexts): string {
  const { place, isOptional, schema } = field;
  const isNeeded = !isOptional && !('default' in schema) && !('x-unless' in schema);
  return `${code(name)} in the ${place}${isNeeded ? '' : ', optional'}: ${code(types.text(schema))}`;
}

function answersText(answers: Readonly<Record<number, Answered>>, types: TypeTexts): string[] {
  const statuses = new Map<string, string[]>();
  for (const [status, answered] of Object.entries(answers)) {
    const text = answerText(answered, types);
    statuses.set(text, [...(statuses.get(text) ?? []), status]);
  }
  return [...statuses].map(([text, each]) => `- Answer ${each.join(' or ')}: ${text}`);
}

function answerText(answered: Answered, types: TypeTexts): string {
  if (answered === 'nothing') return 'no body';
  return code('text' in answered ? answered.text : types.text(answered.json));
}
