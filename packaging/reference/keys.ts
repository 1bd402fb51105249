import { z } from 'zod';

/** A key of a JSON file, as people read of it. */
export interface Key {
  /** With the keys that it is in: `sync.enabled`. */
  name: string;
  /** What values it takes: `integer, 1 to 65535, or null`. */
  values: string;
  /** As JSON; undefined if the key is required. */
  defaultText: string | undefined;
  description: string;
}

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** All keys that a schema knows, in its order. Throws for a key without a description. */
export function keysOf(schema: z.ZodType): Key[] {
  return keysIn(z.toJSONSchema(schema, { io: 'input' }), '');
}

function keysIn({ properties = {} }: JsonSchema, prefix: string): Key[] {
  return Object.entries(properties).flatMap(([key, property]) => {
    const name = `${prefix}${key}`;
    if (typeof property === 'boolean') throw new Error(`${name} has no schema.`);
    const { description, default: preset } = property;
    // An object that is described as a whole is one key.
    if (property.properties && !description) return keysIn(property, `${name}.`);
    if (!description) throw new Error(`${name} has no description: add .describe() to its schema.`);
    const defaultText = preset === undefined ? undefined : JSON.stringify(preset);
    return [{ name, values: valuesOf(property), defaultText, description }];
  });
}

function valuesOf(schema: JsonSchema): string {
  const { type, anyOf, enum: words, items, minimum, maximum } = schema;
  if (anyOf) return anyOf.map((each) => valuesOf(each)).join(' or ');
  if (words) return words.map((word) => JSON.stringify(word)).join(', ');
  if (Array.isArray(type)) return type.join(' or ');
  if (type === 'array') return `array of ${valuesOf(items as JsonSchema)}s`;
  if (minimum === undefined || maximum === undefined) return type ?? 'anything';
  return maximum === Number.MAX_SAFE_INTEGER
    ? `${type ?? ''}, at least ${minimum}`
    : `${type ?? ''}, ${minimum} to ${maximum}`;
}
