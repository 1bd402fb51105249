import type { JsonSchema } from './field.ts';

// Short functions for the JSON Schemas of answers.

export const text: JsonSchema = { type: 'string' };
export const integer: JsonSchema = { type: 'integer' };
export const flag: JsonSchema = { type: 'boolean' };
export const texts = listOf(text);

/**
 * An object with exactly these fields.
 * @param fields the fields by name; the name of an optional field ends with `?`
 * @param others the schema of all other fields; without it, none are allowed
 */
export function record(
  fields: Readonly<Record<string, JsonSchema>>,
  others: JsonSchema | false = false,
): JsonSchema {
  const named = Object.entries(fields).map(([key, schema]) => [key.replace(/\?$/, ''), schema]);
  const required = Object.keys(fields).filter((key) => !key.endsWith('?'));
  return {
    type: 'object',
    properties: Object.fromEntries(named),
    ...(required.length > 0 && { required }),
    additionalProperties: others,
  };
}

/** An object whose fields have any names. */
export function mapOf(values: JsonSchema): JsonSchema {
  return { type: 'object', additionalProperties: values };
}

export function listOf(items: JsonSchema): JsonSchema {
  return { type: 'array', items };
}

export function anyOf(...schemas: readonly JsonSchema[]): JsonSchema {
  return { anyOf: schemas };
}

export function orNull(schema: JsonSchema): JsonSchema {
  return anyOf(schema, { type: 'null' });
}

export function enumOf(...values: readonly string[]): JsonSchema {
  return { type: 'string', enum: values };
}

/** Only this value. */
export function always(value: string | boolean | null): JsonSchema {
  return { const: value };
}

/** The same with a sentence for readers. */
export function described(description: string, schema: JsonSchema): JsonSchema {
  return { ...schema, description };
}

/** A part that an OpenAPI document has once under this name. It may refer to itself by `partNamed`. */
export function part(title: string, schema: JsonSchema): JsonSchema {
  return { ...schema, title };
}

export function partNamed(title: string): JsonSchema {
  return { $ref: `#/components/schemas/${title}` };
}
