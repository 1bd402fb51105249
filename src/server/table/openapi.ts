import type { Field, Fields, JsonSchema } from './field.ts';
import type { Family } from './family.ts';
import type { Method, Row } from './row.ts';

/** The OpenAPI document (3.1) of a family: all of it comes from its rows. */
export function openApiOf(family: Family): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const each of family.rows) {
    const path = each.path.replace(/[:*](\w+)/g, '{$1}');
    for (const method of each.methods) {
      (paths[path] ??= {})[method.toLowerCase()] = operationOf(each, method);
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: family.title, version: family.version ?? '1' },
    servers: family.bases.map((url) => ({ url: url === '' ? '/' : url })),
    ...(family.security && {
      security: Object.keys(family.security).map((name) => ({ [name]: [] })),
      components: { securitySchemes: family.security },
    }),
    paths,
  };
}

function operationOf(each: Row, method: Method): object {
  const { summary, role, fields } = each;
  const parameters = fieldsAt(fields, 'path', 'query').map(([name, field]) => ({
    name,
    in: field.place,
    required: !field.isOptional,
    schema: field.schema,
  }));
  // What comes with a GET stays unread.
  const body = method === 'GET' ? undefined : bodyOf(each);
  return {
    operationId: operationIdOf(each, method),
    summary,
    ...(role !== 'anyone' && { description: `Needs the role ${role}.` }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: body }),
    responses: { default: { description: 'The answer, or an error.' } },
  };
}

/** Such as `post_resource_name_stop`: unique, for a path has a method once. */
function operationIdOf({ path }: Row, method: Method): string {
  return [method.toLowerCase(), ...path.split(/\W+/).filter((word) => word !== '')].join('_');
}

function fieldsAt(fields: Fields, ...places: readonly string[]): [string, Field<unknown>][] {
  return Object.entries(fields)
    .filter(([, { place }]) => places.includes(place))
    .map(([key, field]) => [field.name ?? key, field]);
}

function bodyOf({ fields, body, takesAll = false, isChange }: Row): object | undefined {
  if (typeof body === 'object' || body === 'stream') {
    return { content: { 'application/octet-stream': {} } };
  }
  const inBody = fieldsAt(fields, 'body');
  if (inBody.length === 0 && body !== 'json' && !takesAll) return undefined;
  const required = inBody.filter(([, field]) => isRequired(field)).map(([name]) => name);
  const schema: JsonSchema = {
    type: 'object',
    properties: Object.fromEntries(inBody.map(([name, field]) => [name, field.schema])),
    ...(required.length > 0 && { required }),
    ...(isChange && !takesAll && { additionalProperties: false }),
  };
  return { required: required.length > 0, content: { 'application/json': { schema } } };
}

/** A field that has a default may be left out, and so may one that another can stand for. */
function isRequired({ isOptional, schema }: Field<unknown>): boolean {
  return !isOptional && !('default' in schema) && !('x-unless' in schema);
}
