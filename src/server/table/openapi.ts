import { STATUS_CODES } from 'node:http';

import { Fault, type FaultCode } from '../../kit/fault.ts';
import { codesOf } from './codes.ts';
import { type Components, makeComponents } from './components.ts';
import { type Example, exampleOf, templateOf } from './examples.ts';
import type { Field, Fields, JsonSchema } from './field.ts';
import type { Family } from './family.ts';
import type { Answered, DescribedHeaders, Method, Row } from './row.ts';
import { text } from './schema.ts';

/**
 * The OpenAPI document (3.1) of a family, made entirely from its rows.
 * @throws {Error} if two schemas have the same title
 */
export function openApiOf(family: Family): object {
  const components = makeComponents();
  const paths: Record<string, Record<string, object>> = {};
  for (const each of family.rows) {
    for (const method of each.methods) {
      const operation = operationOf(family, each, method, components);
      (paths[templateOf(each.path)] ??= {})[method.toLowerCase()] = operation;
    }
  }
  const { security } = family;
  return {
    openapi: '3.1.0',
    info: { title: family.title, version: family.version ?? '1' },
    servers: family.bases.map((url) => ({ url: url === '' ? '/' : url })),
    ...(security && { security: Object.keys(security).map((name) => ({ [name]: [] })) }),
    paths,
    components: {
      ...(security && { securitySchemes: security }),
      headers: { ...describedHeaders(headersOf(family)), ...describedHeaders(ofFaults) },
      responses: components.responses(),
      schemas: components.schemas(),
    },
  };
}

/** Every answer has these. */
const ofEveryAnswer: DescribedHeaders = {
  'X-Request-Id':
    'The id from the request or a new one. The journal and the audit log have the same id.',
};
const ofFaults: DescribedHeaders = {
  'Retry-After': 'The seconds after which to repeat the request.',
};
/** The answers for which Express makes an ETag. */
const ofReads: DescribedHeaders = { ETag: 'For the If-None-Match of the next request.' };

function headersOf({ rows, hasEtags }: Family): DescribedHeaders {
  const ofRows = rows.map(({ headers }) => headers?.answer);
  return Object.assign(
    { ...ofEveryAnswer, ...(hasEtags && ofReads) },
    ...ofRows,
  ) as DescribedHeaders;
}

function describedHeaders(headers: DescribedHeaders): object {
  return Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [name, { description, schema: text }]),
  );
}

function operationOf(family: Family, each: Row, method: Method, components: Components): object {
  const { summary, role } = each;
  const parameters = parametersOf(family, each, method);
  const example = exampleOf(family, each);
  // A body in a GET stays unread.
  const body = method === 'GET' ? undefined : bodyOf(each, example, components);
  return {
    operationId: operationIdOf(each, method),
    summary,
    ...(role !== 'anyone' && { description: `Needs the role ${role}.` }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: body }),
    responses: responsesOf(...([family, each, method, example, components] as const)),
  };
}

/** Such as `post_resource_name_stop`. It is unique, because a path has each method once. */
function operationIdOf({ path }: Row, method: Method): string {
  return [method.toLowerCase(), ...path.split(/\W+/).filter((word) => word !== '')].join('_');
}

function parametersOf({ hasEtags }: Family, each: Row, method: Method): object[] {
  const isCached = isCacheable(each, method) && hasEtags;
  const headers = {
    ...(isCached && {
      'If-None-Match':
        'The ETag of an earlier answer. If nothing has changed since, the answer is 304.',
    }),
    ...each.headers?.request,
  };
  return [
    ...fieldsAt(each.fields, 'path', 'query').map(([name, field]) => ({
      name,
      in: field.place,
      required: !field.isOptional,
      schema: field.schema,
      // Its slashes need not be encoded.
      ...(each.path.includes(`*${name}`) && { 'x-several-segments': true }),
    })),
    ...Object.entries(headers).map(([name, description]) => ({
      name,
      in: 'header',
      required: false,
      description,
      schema: text,
    })),
  ];
}

function isCacheable({ isChange }: Row, method: Method): boolean {
  return method === 'GET' && !isChange;
}

function fieldsAt(fields: Fields, ...places: readonly string[]): [string, Field<unknown>][] {
  return Object.entries(fields)
    .filter(([, { place }]) => places.includes(place))
    .map(([key, field]) => [field.name ?? key, field]);
}

function bodyOf(
  { fields, body, takesAll = false, isChange }: Row,
  example: Example | undefined,
  { refer }: Components,
): object | undefined {
  if (typeof body === 'object' || body === 'stream') {
    return { content: { 'application/octet-stream': {} } };
  }
  const inBody = fieldsAt(fields, 'body');
  if (inBody.length === 0 && body !== 'json' && !takesAll) return undefined;
  const required = inBody.filter(([, field]) => isRequired(field)).map(([name]) => name);
  const schema: JsonSchema = {
    type: 'object',
    properties: Object.fromEntries(inBody.map(([name, field]) => [name, refer(field.schema)])),
    ...(required.length > 0 && { required }),
    ...(isChange && !takesAll && { additionalProperties: false }),
  };
  const shown = example?.request !== undefined && { example: example.request };
  return { required: required.length > 0, content: { 'application/json': { schema, ...shown } } };
}

/** A field is optional if it has a default, or if another field can replace it. */
function isRequired({ isOptional, schema }: Field<unknown>): boolean {
  return !isOptional && !('default' in schema) && !('x-unless' in schema);
}

function responsesOf(
  family: Family,
  each: Row,
  method: Method,
  example: Example | undefined,
  components: Components,
): object {
  const { hasEtags = false } = family;
  const isCached = isCacheable(each, method) && hasEtags;
  const headers = references({
    ...ofEveryAnswer,
    ...(isCached && ofReads),
    ...each.headers?.answer,
  });
  const answers = Object.entries(each.answers).map(([status, answered]) => {
    const shown = example?.status === Number(status) ? example : undefined;
    const content = contentOf(answered, shown, components);
    return [status, { description: STATUS_CODES[status] ?? status, headers, ...content }];
  });
  const notModified = { description: 'Nothing has changed.', headers };
  return Object.fromEntries([
    ...answers,
    ...(isCached ? [['304', components.share('not_modified', notModified)]] : []),
    ...faultsOf(family, codesOf(family, each, method), components),
  ]) as object;
}

function references(headers: DescribedHeaders): object {
  return Object.fromEntries(
    Object.keys(headers).map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
}

function contentOf(
  answered: Answered,
  example: Example | undefined,
  { refer }: Components,
): { content?: object } {
  if (answered === 'nothing') return {};
  const shown = example?.body !== undefined && { example: example.body };
  return 'text' in answered
    ? { content: { [answered.text]: { schema: text, ...shown } } }
    : { content: { 'application/json': { schema: refer(answered.json), ...shown } } };
}

/** A response for each status that the family gives to faults with these codes. */
function faultsOf(
  { answerFault, faultSchema }: Family,
  codes: readonly FaultCode[],
  components: Components,
): [status: string, response: object][] {
  const byStatus = new Map<number, { type: string; codes: FaultCode[] }>();
  for (const code of codes) {
    const { status, headers } = answerFault(new Fault(code, 'It failed.'));
    const [type = ''] = (headers['Content-Type'] ?? '').split(';');
    const same = byStatus.get(status) ?? { type, codes: [] };
    byStatus.set(status, { type, codes: [...same.codes, code] });
  }
  return [...byStatus].map(([status, { type, codes: ofStatus }]) => {
    const isLater = status === 429 || status === 503;
    const response = {
      description: ofStatus.join(', '),
      headers: references({ ...ofEveryAnswer, ...(isLater && ofFaults) }),
      content: { [type]: { schema: components.refer(faultSchema(ofStatus)) } },
    };
    return [`${status}`, components.share(`fault_${status}`, response)];
  });
}
