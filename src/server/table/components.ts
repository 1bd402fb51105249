import type { JsonSchema } from './field.ts';
import { partNamed } from './schema.ts';

/** The parts that an OpenAPI document has once and refers to: parts of schemas by their titles, and equal responses. */
export interface Components {
  /** The schema with each titled part replaced by a reference. Throws an Error if two parts have the same name. */
  refer: (schema: JsonSchema) => JsonSchema;
  /** A reference to that response. @param kind the beginning of its name */
  share: (kind: string, response: object) => object;
  schemas: () => Readonly<Record<string, JsonSchema>>;
  responses: () => Readonly<Record<string, object>>;
}

/** Keywords whose value is a schema, a list of schemas, or a map of schemas (JSON Schema 2020-12). */
const single = ['items', 'additionalProperties', 'propertyNames', 'not', 'contains'];
const lists = ['anyOf', 'allOf', 'oneOf', 'prefixItems'];
const maps = ['properties', 'patternProperties'];

export function makeComponents(): Components {
  const schemas = new Map<string, { original: string; referring: JsonSchema }>();
  const responses = new Map<string, { name: string; response: object }>();
  const counts = new Map<string, number>();

  function refer(schema: JsonSchema): JsonSchema {
    const { title } = schema;
    if (typeof title !== 'string') return inside(schema);
    const original = JSON.stringify(schema);
    const known = schemas.get(title);
    if (known === undefined) {
      // A part comes before its own parts, so the document has them in the order in which a reader meets them.
      schemas.set(title, { original, referring: {} });
      schemas.set(title, { original, referring: inside(schema) });
    } else if (known.original !== original) {
      throw new Error(`Two schemas are named ${title}. Give one of them another name.`);
    }
    return partNamed(title);
  }

  function inside(schema: JsonSchema): JsonSchema {
    return Object.fromEntries(
      Object.entries(schema).map(([keyword, value]) => {
        if (single.includes(keyword) && isSchema(value)) return [keyword, refer(value)];
        if (lists.includes(keyword)) return [keyword, (value as JsonSchema[]).map(refer)];
        if (!maps.includes(keyword)) return [keyword, value];
        const entries = Object.entries(value as Record<string, JsonSchema>);
        return [keyword, Object.fromEntries(entries.map(([name, each]) => [name, refer(each)]))];
      }),
    );
  }

  return {
    refer,
    share(kind, response) {
      const key = JSON.stringify(response);
      const count = (counts.get(kind) ?? 0) + 1;
      const known = responses.get(key) ?? {
        name: count === 1 ? kind : `${kind}_${count}`,
        response,
      };
      if (!responses.has(key)) {
        responses.set(key, known);
        counts.set(kind, count);
      }
      return { $ref: `#/components/responses/${known.name}` };
    },
    schemas: () =>
      Object.fromEntries([...schemas].map(([title, { referring }]) => [title, referring])),
    responses: () =>
      Object.fromEntries([...responses.values()].map(({ name, response }) => [name, response])),
  };
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null;
}
