import type { JsonSchema } from '../../src/server/table/field.ts';

/** Writes schemas as TypeScript writes types: `{ name: string; node?: string }`. */
export interface TypeTexts {
  /** A part is named alone. */
  text: (schema: JsonSchema) => string;
  /** The parts that were named, each with what it is. */
  parts: () => [name: string, text: string][];
}

export function makeTypeTexts(): TypeTexts {
  const parts = new Map<string, string>();

  function text(schema: JsonSchema): string {
    const { title } = schema;
    if (typeof title !== 'string') return ownText(schema);
    if (!parts.has(title)) {
      // It may name itself.
      parts.set(title, '');
      parts.set(title, ownText(schema));
    }
    return title;
  }

  function ownText(schema: JsonSchema): string {
    const { $ref, enum: values, anyOf, type, items } = schema;
    if (typeof $ref === 'string') return $ref.split('/').at(-1) ?? '';
    if ('const' in schema) return JSON.stringify(schema['const']);
    if (Array.isArray(values)) return values.map((each) => JSON.stringify(each)).join(' | ');
    if (Array.isArray(anyOf)) return (anyOf as JsonSchema[]).map(text).join(' | ');
    if (type === 'array') return listText(items as JsonSchema | undefined);
    if (type === 'object') return objectText(schema);
    if (Array.isArray(type)) return type.join(' | ');
    return typeof type === 'string' ? type : 'any';
  }

  function listText(items: JsonSchema | undefined): string {
    const of = items ? text(items) : 'any';
    return of.includes(' | ') ? `(${of})[]` : `${of}[]`;
  }

  function objectText({
    properties = {},
    required = [],
    additionalProperties: others,
  }: JsonSchema): string {
    const fields = Object.entries(properties as Record<string, JsonSchema>).map(
      ([name, schema]) =>
        `${name}${(required as string[]).includes(name) ? '' : '?'}: ${text(schema)}`,
    );
    const isOpen = typeof others === 'object' && others !== null;
    const more = isOpen ? [`[other]: ${text(others as JsonSchema)}`] : [];
    const all = [...fields, ...more];
    return all.length === 0 ? '{}' : `{ ${all.join('; ')} }`;
  }

  return { text, parts: () => [...parts] };
}
